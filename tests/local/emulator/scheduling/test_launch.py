"""What a task of RunTask has in place of its definition's."""

from __future__ import annotations

from local.emulator.scheduling.tasks import _launch

DEFINITION = {"family": "shop", "cpu": "256", "memory": "512", "taskRoleArn": "own", "containerDefinitions": []}


def test_the_overrides_of_a_task_replace_its_definitions_roles_and_sizes() -> None:
    overrides = {"cpu": "512", "memory": "1024", "taskRoleArn": "other", "executionRoleArn": "", "family": "x"}
    launch = _launch({"taskArn": "task", "clusterArn": "cluster", "overrides": overrides}, DEFINITION, [])

    assert launch.definition == {**DEFINITION, "cpu": "512", "memory": "1024", "taskRoleArn": "other"}


def test_a_task_of_a_service_has_its_definition() -> None:
    assert _launch({"taskArn": "task", "clusterArn": "cluster"}, DEFINITION, []).definition == DEFINITION
