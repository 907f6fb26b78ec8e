"""A task whose sidecar still runs is known at once, as a rollback may delete the service before it has stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from operations.deploy.stopped_tasks import stopped_tasks

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


class FakeEcs:
    def __init__(self, status: str) -> None:
        self._status = status

    def get_paginator(self, _: str) -> FakeEcs:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"taskArns": ["task/1"]}]

    def describe_tasks(self, **_: object) -> dict[str, Any]:
        container = {"name": "app", "exitCode": 1}
        code = "EssentialContainerExited"
        return {
            "tasks": [{"taskArn": "task/1", "lastStatus": self._status, "stopCode": code, "containers": [container]}]
        }


@pytest.mark.parametrize(
    ("status", "is_final"), [("DEACTIVATING", False), ("STOPPING", False), ("DEPROVISIONING", True), ("STOPPED", True)]
)
def test_a_failed_task_is_read_from_its_end_on_and_is_final_once_its_containers_have_stopped(
    status: str, *, is_final: bool
) -> None:
    [task] = stopped_tasks(FakeEcs(status), "cluster", "service", since=SINCE, known=())
    assert (task.id, task.containers[0].exit_code, task.is_final) == ("1", 1, is_final)


def test_a_task_that_runs_has_not_failed() -> None:
    assert stopped_tasks(FakeEcs("RUNNING"), "cluster", "service", since=SINCE, known=()) == []
