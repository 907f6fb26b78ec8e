"""Read the tasks of a service that stopped because something was wrong. ECS forgets a stopped task after an hour."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from operations.deploy.clients import Client

BATCH_SIZE: Final = 100
"""Tasks per call of DescribeTasks (Amazon ECS API Reference)."""
STOPPED_STATUSES: Final = frozenset({"DEPROVISIONING", "STOPPED"})
"""`lastStatus` from which on the containers' exit codes are final: deprovisioning takes longer than a rollback may."""
STOPPING_STATUSES: Final = frozenset({"DEACTIVATING", "STOPPING"})
"""Some containers may still run, as a sidecar until its stop timeout. A rollback may delete the service by then."""
FAILURE_CODES: Final = frozenset(
    {"EssentialContainerExited", "SpotInterruption", "TaskFailedToStart", "TerminationNotice"}
)
"""`stopCode`s of tasks that nobody meant to stop ("Task", Amazon ECS API Reference)."""
FAILURE_REASON: Final = re.compile(r"fail|unhealthy|error|timed? ?out", re.IGNORECASE)
"""ECS also stops what fails its health checks, as `ServiceSchedulerInitiated` like what a new version replaces
("Amazon ECS stopped task error messages", Amazon ECS Developer Guide)."""
VOLATILE_IDS: Final = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|\b\d{1,3}(?:\.\d{1,3}){3}\b")
"""Ids of tasks and requests, and addresses, in which two equal reasons may differ."""


class Container(NamedTuple):
    """A container of a stopped task; `output` has the last lines that it printed."""

    name: str
    exit_code: int | None
    reason: str
    output: tuple[str, ...] = ()


class StoppedTask(NamedTuple):
    """A task that stopped because something was wrong."""

    at: datetime | None
    id: str
    task_definition: str
    stop_code: str
    reason: str
    containers: tuple[Container, ...]
    is_final: bool = True
    """Whether all containers have stopped."""

    @property
    def kind(self) -> tuple[object, ...]:
        """What tasks have in common that stopped for the same reason."""
        containers = tuple((each.name, each.exit_code, VOLATILE_IDS.sub("", each.reason)) for each in self.containers)
        return self.task_definition, self.stop_code, VOLATILE_IDS.sub("", self.reason), containers


def stopped_tasks(
    ecs: Client, cluster: str, service: str, *, since: datetime, known: Collection[str]
) -> list[StoppedTask]:
    """Return the service's tasks that failed since `since`, without the `known` ids; some may still be stopping.

    Raises `ClientError`.
    """
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=service, desiredStatus="STOPPED")
    arns = [arn for page in pages for arn in page.get("taskArns") or [] if task_id(arn) not in known]
    described = [
        task
        for start in range(0, len(arns), BATCH_SIZE)
        for task in ecs.describe_tasks(cluster=cluster, tasks=arns[start:][:BATCH_SIZE]).get("tasks") or []
    ]
    return [_task(each) for each in described if _has_failed(each, since)]


def grouped(tasks: Iterable[StoppedTask]) -> list[list[StoppedTask]]:
    """Return the tasks by the reason why they stopped, those with the most tasks first, each group by time."""
    groups: dict[tuple[object, ...], list[StoppedTask]] = {}
    for task in sorted(tasks, key=lambda each: each.at.timestamp() if each.at else 0.0):
        groups.setdefault(task.kind, []).append(task)
    return sorted(groups.values(), key=len, reverse=True)


def task_id(arn: str) -> str:
    """Return the last part of a task's ARN, by which its log streams are named."""
    return arn.rpartition("/")[2]


def _has_failed(task: dict[str, Any], since: datetime) -> bool:
    at = _stopped_at(task)
    is_ending = task.get("lastStatus") in STOPPED_STATUSES | STOPPING_STATUSES
    if not task.get("taskArn") or not is_ending or (at and at < since):
        return False
    return task.get("stopCode") in FAILURE_CODES or bool(FAILURE_REASON.search(task.get("stoppedReason") or ""))


def _stopped_at(task: dict[str, Any]) -> datetime | None:
    return task.get("stoppedAt") or task.get("executionStoppedAt") or task.get("stoppingAt")


def _task(task: dict[str, Any]) -> StoppedTask:
    return StoppedTask(
        at=_stopped_at(task),
        id=task_id(task["taskArn"]),
        task_definition=task.get("taskDefinitionArn") or "",
        stop_code=task.get("stopCode") or "",
        reason=task.get("stoppedReason") or "ECS gives no reason",
        containers=tuple(
            Container(each.get("name") or "", each.get("exitCode"), each.get("reason") or "")
            for each in task.get("containers") or []
        ),
        is_final=task.get("lastStatus") in STOPPED_STATUSES,
    )
