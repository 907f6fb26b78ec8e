"""Say in plain words why a task stopped, and what to do about it.

Sources: "Amazon ECS stopped task error messages" and "CannotPullContainer task errors", Amazon ECS Developer Guide;
"Exit Status", POSIX Shell Command Language: above 128 a signal's number is added, 126 and 127 are about the command.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from operations.deploy.stopped_tasks import Container, StoppedTask


class Cause(NamedTuple):
    """What a reason or an exit code means, and what to do."""

    meaning: str
    remedy: str


_BUILD_FOR_THE_TASK: Final = (
    "Build the image for the task's CPU architecture: linux/arm64 if `arm64` of its environment is set, else"
    " linux/amd64"
)
_PULL: Final = "the image cannot be pulled"
_INITIALIZATION: Final = "the task cannot be set up before its containers start"
_NETWORK: Final = (
    "Check that the task's subnets have a way out: a NAT gateway, or a public IP address, or VPC endpoints (ECR, S3,"
    " Secrets Manager, CloudWatch Logs), and the security group's outbound rules"
)
_OUTPUT: Final = "The container's last lines above say why; run that image with the same variables to reproduce it"
_NO_OUTPUT: Final = (
    "The container printed nothing that was kept; run that image with the same variables to reproduce it"
)
_MEMORY: Final = Cause(
    "out of memory: the container reached its memory limit",
    "Raise the environment's `memory` in infra/environments.py, or lower its `workers`",
)

REASONS: Final = [
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), cause)
    for pattern, cause in (
        (r"OutOfMemory|due to memory usage", _MEMORY),
        (
            r"CannotPull.*(manifest unknown|not found|does not exist|unknown blob|invalid reference)",
            Cause(f"{_PULL}: the registry has no such image or tag", "Check the image's name and tag, and push it"),
        ),
        (
            r"CannotPull.*(no matching manifest|descriptor matching platform|platform)",
            Cause(
                f"{_PULL}: it was built for another CPU architecture",
                _BUILD_FOR_THE_TASK,
            ),
        ),
        (
            r"CannotPull.*(toomanyrequests|rate limit)",
            Cause(f"{_PULL}: the registry's rate limit is reached", "Push the image to ECR, or wait and deploy again"),
        ),
        (
            r"CannotPull.*(denied|not authorized|403|401|no basic auth|AccessDenied)",
            Cause(
                f"{_PULL}: access is denied",
                "Check that the task's execution role may pull from that repository, and the repository's policy",
            ),
        ),
        (
            r"CannotPull.*(no space left)",
            Cause(f"{_PULL}: the task's disk is full", "Make the image smaller, or raise the task's ephemeral storage"),
        ),
        (r"CannotPull", Cause(f"{_PULL}: the registry cannot be reached", _NETWORK)),
        (
            r"ResourceInitializationError.*(can't find the specified secret|ResourceNotFoundException.*secret)",
            Cause(
                "a secret of the task definition does not exist",
                "Check the secret in Secrets Manager: one that is scheduled to be deleted comes back with aws"
                " secretsmanager restore-secret --secret-id <name>",
            ),
        ),
        (
            r"ResourceInitializationError.*(AccessDenied|not authorized)",
            Cause(
                "a secret of the task definition, or the registry's token, may not be read",
                "Check the execution role's secretsmanager:GetSecretValue (and kms:Decrypt), the secret's policy, and"
                " ecr:GetAuthorizationToken",
            ),
        ),
        (
            r"ResourceInitializationError.*(did not contain json key|json key)",
            Cause("a secret lacks the JSON key that the task definition names", "Store the secret with that key"),
        ),
        (
            r"ResourceInitializationError.*log group",
            Cause("the containers' log group does not exist", "Deploy again; do not delete the log group by hand"),
        ),
        (r"ResourceInitializationError", Cause(f"{_INITIALIZATION}: an AWS API cannot be reached", _NETWORK)),
        (
            r"failed (container|ELB) health checks|unhealthy",
            Cause(
                "the task ran but did not pass its health checks in time",
                "Check the health check's path and port, and whether the start takes longer than the grace period"
                " (HEALTH_CHECK_GRACE_PERIOD in infra/fargate_service.py); the container's last lines may say what it"
                " waited for",
            ),
        ),
        (
            r"Capacity is unavailable|RESOURCE:|capacity",
            Cause(
                "Fargate has no capacity for the task in these zones at the moment",
                "Deploy again later, or set other `availability_zones` in infra/environments.py",
            ),
        ),
        (
            r"network interface|\bENI\b|insufficient free addresses",
            Cause("the task got no network interface", "Check for free addresses in the subnets and the ENI quota"),
        ),
        (
            r"SpotInterruption|TerminationNotice|Spot",
            Cause("AWS took the capacity back", "Deploy again"),
        ),
        (
            r"exec format error",
            Cause(
                "the image was built for another CPU architecture",
                _BUILD_FOR_THE_TASK,
            ),
        ),
        (
            r"executable file not found|no such file or directory",
            Cause("the container's command does not exist in the image", "Check CMD and ENTRYPOINT of the image"),
        ),
        (
            r"Cannot(Start|Create)Container|ContainerRuntime",
            Cause("the container cannot be started", "Check the container's definition in infra/fargate_service.py"),
        ),
    )
]
"""The first pattern that a reason matches is what it means."""

ESSENTIAL_EXITED: Final = "EssentialContainerExited"
SIGTERM: Final = 143
EXIT_CODES: Final = {
    0: Cause(
        "ended by itself, without an error; an essential container must keep running",
        "Check that the image's command runs in the foreground",
    ),
    1: Cause("the application failed", _OUTPUT),
    2: Cause("the application or its shell rejected its arguments", _OUTPUT),
    4: Cause("gunicorn could not load the application", _OUTPUT),
    126: Cause("the command is not executable", "Check the file's mode and its first line, and CMD of the image"),
    127: Cause("the command was not found", "Check CMD and ENTRYPOINT of the image"),
    134: Cause("the application aborted (SIGABRT)", _OUTPUT),
    137: Cause(
        "killed (SIGKILL): out of memory, or still running `stop_timeout` after SIGTERM",
        _MEMORY.remedy + "; if it was stopped instead, look at what it does at SIGTERM",
    ),
    139: Cause("a segmentation fault (SIGSEGV)", "Look for native code that changed: Python's version, wheels"),
    SIGTERM: Cause("ended at SIGTERM, as ECS asked it to", "Look at why ECS stopped the task"),
}


def cause_of_container(container: Container, task: StoppedTask) -> Cause | None:
    """Return what the container's reason says, else its exit code, else None."""
    by_reason = _cause_of_reason(container.reason)
    if by_reason or container.exit_code is None:
        return by_reason
    return EXIT_CODES.get(SIGTERM if container.exit_code == 0 and _was_stopped(task) else container.exit_code)


def cause_of_task(task: StoppedTask) -> Cause | None:
    """Return what the task's reason says, else the container that failed, one with an exit code that tells most."""
    by_task = _cause_of_reason(f"{task.stop_code} {task.reason}")
    by_reason = next((cause for each in task.containers if (cause := _cause_of_reason(each.reason))), None)
    causes = (cause_of_container(each, task) for each in _failed(task) or task.containers)
    by_exit_code = next(filter(None, causes), None)
    cause = by_reason or by_task or by_exit_code
    if cause and cause.remedy == _OUTPUT and not any(each.output for each in task.containers):
        return cause._replace(remedy=_NO_OUTPUT)
    return cause


def _failed(task: StoppedTask) -> list[Container]:
    return [each for each in task.containers if each.exit_code not in {None, 0, SIGTERM}]


def _was_stopped(task: StoppedTask) -> bool:
    """Return whether ECS sent SIGTERM to the task, or to what ran beside the container that failed."""
    return task.stop_code not in {"", ESSENTIAL_EXITED} or bool(_failed(task))


def _cause_of_reason(reason: str) -> Cause | None:
    return next((cause for pattern, cause in REASONS if pattern.search(reason)), None)
