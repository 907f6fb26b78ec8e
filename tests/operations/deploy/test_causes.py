"""The reasons that ECS gives are told in plain words, with what to do; the messages are those of its documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from operations.deploy.causes import cause_of_container, cause_of_task
from operations.deploy.plain_text import LONGEST_LINE, one_line, printable_lines
from operations.deploy.stacks import failed_resources
from operations.deploy.stopped_tasks import Container, StoppedTask, grouped
from tests.sample import names_of

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backend:v2"


def stopped(reason: str, *containers: Container, stop_code: str = "TaskFailedToStart", number: int = 0) -> StoppedTask:
    return StoppedTask(
        datetime.fromtimestamp(number, UTC), f"task-{number}", "backend:2", stop_code, reason, containers
    )


@pytest.mark.parametrize(
    ("reason", "meaning", "remedy"),
    [
        (f"CannotPullContainerError: {REPOSITORY}: not found", "no such image or tag", "name and tag"),
        ("CannotPullContainerError: Error response from daemon: manifest unknown", "no such image", "push it"),
        (
            "CannotPullContainerError: pull access denied for backend, repository does not exist or may require"
            " authorization",
            "no such image",
            "push it",
        ),
        (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): unexpected status from HEAD"
            " request: 403 Forbidden",
            "access is denied",
            "execution role",
        ),
        (
            'CannotPullContainerError: image Manifest does not contain descriptor matching platform "linux/amd64"',
            "another CPU architecture",
            "linux/amd64",
        ),
        ("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit", "rate limit", "ECR"),
        ("CannotPullContainerError: write /var/lib/x: no space left on device", "disk is full", "smaller"),
        (
            "CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: dial tcp 52.217.1.1:443:"
            " i/o timeout",
            "cannot be reached",
            "NAT gateway",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
            " unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret"
            " arn:aws:secretsmanager:us-east-1:123456789012:secret:dev/key from secrets manager:"
            " AccessDeniedException: User is not authorized to perform: secretsmanager:GetSecretValue",
            "may not be read",
            "kms:Decrypt",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: retrieved secret from Secrets"
            " Manager did not contain json key token",
            "lacks the JSON key",
            "that key",
        ),
        (
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times:"
            " failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not"
            " exist.",
            "log group does not exist",
            "Deploy again",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth"
            " from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network"
            " configuration.",
            "an AWS API cannot be reached",
            "VPC endpoints",
        ),
        ("Task failed container health checks", "did not pass its health checks", "grace period"),
        ("Task failed ELB health checks in (target-group x)", "did not pass its health checks", "path and port"),
        ("Capacity is unavailable at this time. Please try again later", "no capacity", "availability_zones"),
        ("Timeout waiting for network interface provisioning to complete.", "no network interface", "subnets"),
        (
            "CannotStartContainerError: failed to start container: exec: python9: executable file not found in $PATH",
            "does not exist in the image",
            "ENTRYPOINT",
        ),
        ("CannotCreateContainerError: failed to mount", "cannot be started", "infra/fargate_service.py"),
    ],
)
def test_a_reason_of_ecs_is_told_in_plain_words(reason: str, meaning: str, remedy: str) -> None:
    cause = cause_of_task(stopped(reason))
    assert cause is not None
    assert meaning in cause.meaning
    assert remedy in cause.remedy


@pytest.mark.parametrize(
    ("exit_code", "meaning"),
    [
        (0, "ended by itself"),
        (1, "the application failed"),
        (126, "not executable"),
        (127, "was not found"),
        (137, "killed (SIGKILL): out of memory, or still running"),
        (139, "segmentation fault"),
        (143, "ended at SIGTERM"),
    ],
)
def test_an_exit_code_is_told_in_plain_words(exit_code: int, meaning: str) -> None:
    container = Container("backend", exit_code, "")
    cause = cause_of_container(container, stopped("", container, stop_code="EssentialContainerExited"))
    assert cause is not None
    assert meaning in cause.meaning
    essential = "Essential container in task exited"
    task = stopped(essential, Container("sidecar", 0, ""), container, stop_code="EssentialContainerExited")
    assert exit_code in {0, 143} or getattr(cause_of_task(task), "meaning", "") == cause.meaning


def test_what_ecs_stopped_did_not_end_by_itself() -> None:
    backend, sidecar = Container("backend", 0, ""), Container("sidecar", 0, "")
    unhealthy = stopped("Task failed ELB health checks", backend, sidecar, stop_code="ServiceSchedulerInitiated")
    crashed = stopped("Essential container", Container("app", 1, ""), sidecar, stop_code="EssentialContainerExited")
    for container, task in ((backend, unhealthy), (sidecar, unhealthy), (sidecar, crashed)):
        cause = cause_of_container(container, task)
        assert cause is not None
        assert cause.meaning == "ended at SIGTERM, as ECS asked it to"


def test_an_unknown_exit_code_has_no_meaning() -> None:
    assert cause_of_container(Container("backend", 42, ""), stopped("")) is None
    assert cause_of_task(stopped("a new reason", Container("backend", None, ""))) is None


def test_without_output_the_advice_names_none() -> None:
    silent = stopped("Essential container in task exited", Container("backend", 1, ""))
    telling = stopped("Essential container in task exited", Container("backend", 1, "", ("Traceback",)))
    assert "printed nothing" in getattr(cause_of_task(silent), "remedy", "")
    assert "last lines above" in getattr(cause_of_task(telling), "remedy", "")


def test_tasks_whose_reasons_differ_only_in_ids_are_one_group() -> None:
    reasons = [
        "request id: 3d2fa2fb-1bd0-4a0e-8a7b-8d9e0a1b2c3d: denied",
        "request id: 00000000-1bd0-4a0e-8a7b-8d9e0a1b2c3d: denied",
        "dial tcp 10.0.0.1: i/o timeout",
        "dial tcp 10.0.0.2: i/o timeout",
        "dial tcp 10.0.0.3: i/o timeout",
    ]
    groups = grouped(stopped(reason, number=number) for number, reason in enumerate(reasons))
    assert [[task.id for task in group] for group in groups] == [["task-2", "task-3", "task-4"], ["task-0", "task-1"]]


class StackEvents:
    """A CloudFormation client that answers DescribeStackEvents."""

    def __init__(self, *events: tuple[int, str, str, str]) -> None:
        self.events = [
            {
                "Timestamp": datetime.fromtimestamp(at, UTC),
                "LogicalResourceId": resource,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for at, resource, status, reason in events
        ]

    def get_paginator(self, _operation: str) -> StackEvents:
        return self

    def paginate(self, **parameters: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any parameter
        is_service = parameters["StackName"] == "Cruddur-dev-Service"
        return [{"StackEvents": [each]} for each in reversed(self.events)] if is_service else []


def test_the_first_failure_is_named_first_and_what_was_cancelled_for_it_is_not() -> None:
    events = StackEvents(
        (1, "Old", "CREATE_FAILED", "of an earlier deploy"),
        (5, "Role", "CREATE_FAILED", "already exists"),
        (6, "Cluster", "CREATE_FAILED", "Resource creation cancelled"),
        (6, "Queue", "UPDATE_FAILED", "Resource update cancelled"),
        (7, "Topic", "CREATE_FAILED", "denied"),
        (8, "Cruddur-dev-Service", "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed: [Role, Topic]"),
        (9, "Cluster", "DELETE_COMPLETE", ""),
    )
    failures = failed_resources(events, names_of("dev"), datetime.fromtimestamp(4, UTC))
    assert [each.logical_id for each in failures] == ["Role", "Topic"]


def test_where_no_resource_failed_the_stacks_own_reason_is_named() -> None:
    events = StackEvents((5, "Cruddur-dev-Service", "CREATE_FAILED", "Output Url cannot be resolved"))
    [failure] = failed_resources(events, names_of("dev"), datetime.fromtimestamp(4, UTC))
    assert failure.reason == "Output Url cannot be resolved"


def test_text_is_printed_in_lines_that_are_short_and_drive_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_PASSWORD", "pa55word")
    assert one_line("one\r\n two\tthree \x1b[31mred pa55word") == "one two three �[31mred ***"
    assert printable_lines("  a\n\tb\x07  ") == ["  a", "    b�"]
    assert one_line("") == ""
    assert len(one_line("x" * 1000)) == LONGEST_LINE
