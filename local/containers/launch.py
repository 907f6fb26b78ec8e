"""What the control plane asks of the agent, and what the agent reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """Temporary credentials of a role. `expiration` is in seconds since the epoch."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expiration: float


AssumeRole = Callable[[str, str], Credentials]
"""Takes a role's ARN and a session name. Raises `RoleError` where Amazon ECS cannot assume the role."""


class RoleError(Exception):
    """The role does not exist, or its trust policy does not name ecs-tasks.amazonaws.com."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One task to run: `definition` is the task definition in the shape of DescribeTaskDefinition.

    `commands` maps a container's name to the command that replaces the definition's ("containerOverrides", Amazon ECS
    API reference, RunTask), and `environment` to the variables that are added.
    """

    task_arn: str
    cluster_arn: str
    definition: Mapping[str, Any]
    commands: Mapping[str, list[str]] = field(default_factory=dict)
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def task_id(self) -> str:
        """Return the last part of the ARN."""
        return self.task_arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerReport:
    """The state of one container ("Container", Amazon ECS API reference)."""

    name: str
    last_status: str
    """PENDING, RUNNING or STOPPED."""
    runtime_id: str = ""
    """The id of the engine's container."""
    image_digest: str = ""
    exit_code: int | None = None
    health_status: str = "UNKNOWN"
    """UNKNOWN, HEALTHY or UNHEALTHY."""
    reason: str = ""
    restart_count: int = 0


class Reports(Protocol):
    """Is told what becomes of a task, from the task's own thread."""

    def activating(self) -> None:
        """Note that the images are being pulled and the containers created."""

    def address(self, ip: str) -> None:
        """Note the address of the task's network interface, which this machine can connect to."""

    def container(self, report: ContainerReport) -> None:
        """Note the state of a container that has changed."""

    def running(self) -> None:
        """Note that all containers have started."""

    def health(self, status: str) -> None:
        """Note the task's health status: that of its essential containers that have a health check."""

    def stopping(self, reason: str, stop_code: str) -> None:
        """Note that the task ends by itself: it gets no more requests. Some of its containers may still run.

        `stop_code` is Amazon ECS's: `EssentialContainerExited`, `TaskFailedToStart` or `ServiceSchedulerInitiated`.
        """

    def stopped(self) -> None:
        """Note that no container, network or volume of the task is left."""


class Agent(Protocol):
    """Runs tasks. The implementation is `local.containers.agent.ContainerAgent`."""

    def run(self, launch: Launch, reports: Reports) -> None:
        """Run a task to its end, in the caller's thread. A failure is reported and not raised."""

    def stop(self, task_arn: str, *, drain_seconds: float) -> None:
        """Ask a running task to stop, and return at once; without effect on one that has ended.

        After `drain_seconds` each container gets SIGTERM, those that others depend on last, and SIGKILL after its stop
        timeout. `Reports.stopping` is not called, as it is the caller who ends the task.
        """

    def close(self) -> None:
        """Stop all tasks at once and wait until nothing of them is left."""
