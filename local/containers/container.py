"""One container of a task in the engine: how it is created, started, watched, restarted and stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from docker.errors import APIError, NotFound
from docker.types import Ulimit

from local.containers.definition import (
    COMPLETE,
    CPU_UNITS_PER_VCPU,
    HEALTHY,
    MIN_CPU_SHARES,
    START,
    SUCCESS,
    ContainerDefinition,
    TaskDefinition,
)
from local.containers.image_source import digest_of
from local.containers.launch import ContainerReport
from local.containers.network import engine_log

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.models.images import Image

    from local.containers.logs import LogStream

NANOSECONDS: Final = 1_000_000_000
SHORTEST_START_PERIOD: Final = NANOSECONDS // 1000
"""The engine refuses less than a millisecond."""
MIB: Final = 1024 * 1024
PENDING, RUNNING, STOPPED = "PENDING", "RUNNING", "STOPPED"
UNKNOWN, UNHEALTHY = "UNKNOWN", "UNHEALTHY"
HEALTH: Final = {"healthy": HEALTHY, "unhealthy": UNHEALTHY}
"""Amazon ECS's word for each of the engine's."""
CONFLICT: Final = 409
DEFAULT_SIGNAL: Final = "SIGTERM"
OUT_OF_MEMORY: Final = "OutOfMemoryError: Container killed due to memory usage"


def options_of(
    definition: ContainerDefinition, task: TaskDefinition, *, volumes: Mapping[str, str], processors: int
) -> dict[str, Any]:
    """Return the engine's options for a container.

    `volumes` maps the task's volumes to the engine's. The task's CPU and memory are the limit of each container, as
    the engine has no limit for several.
    """
    # Fargate has no swap. A container cannot have more than the task.
    memory = min(definition.memory or task.memory, task.memory) * MIB
    options: dict[str, Any] = {
        "entrypoint": definition.entry_point,
        "user": definition.user or None,
        "working_dir": definition.working_directory or None,
        "read_only": definition.read_only,
        "init": definition.init or None,
        "cap_add": list(definition.added_capabilities) or None,
        "cap_drop": list(definition.dropped_capabilities) or None,
        "cpu_shares": max(MIN_CPU_SHARES, definition.cpu),
        "nano_cpus": min(task.cpu * NANOSECONDS // CPU_UNITS_PER_VCPU, processors * NANOSECONDS),
        "mem_limit": memory,
        "memswap_limit": memory,
        "volumes": {
            volumes[each.volume]: {"bind": each.path, "mode": "ro" if each.read_only else "rw"}
            for each in definition.mounts
        },
        "log_config": engine_log(),
        "use_config_proxy": False,
    }
    if definition.open_files:
        soft, hard = definition.open_files
        options["ulimits"] = [Ulimit(name="nofile", soft=soft, hard=hard)]
    if definition.memory_reservation:
        options["mem_reservation"] = min(definition.memory_reservation * MIB, memory)
    return options


def health_check_of(definition: ContainerDefinition) -> dict[str, Any]:
    """Return the engine's form of the container's health check; without one, the image's own does not run either."""
    check = definition.health_check
    if check is None:
        return {"test": ["NONE"]}
    return {
        "test": list(check.test),
        "interval": check.interval * NANOSECONDS,
        "timeout": check.timeout * NANOSECONDS,
        "retries": check.retries,
        # To the engine 0 means the image's own.
        "start_period": max(check.start_period * NANOSECONDS, SHORTEST_START_PERIOD),
    }


@dataclass(slots=True)
class TaskContainer:
    """A container that has been created. Only its task's thread changes it."""

    definition: ContainerDefinition
    image: Image
    engine_container: Container
    logs: LogStream | None
    status: str = PENDING
    health: str = UNKNOWN
    exit_code: int | None = None
    reason: str = ""
    restart_count: int = 0
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    """Seconds since the epoch, of the last start."""
    ran_seconds: float = 0.0
    """Of the last run, which has ended."""
    _started: float = 0.0
    _kill_at: float | None = None

    def start(self) -> None:
        """Start it for the first time or, where its restart policy says so, again. Raises an error of the engine."""
        if self.logs is not None:
            # Before the start, so that no line is missed.
            self.logs.read(self.engine_container.attach(stdout=True, stderr=True, stream=True, logs=False))
        self.engine_container.start()
        self.restart_count += self.status == STOPPED
        self.status, self.exit_code, self.reason = RUNNING, None, ""
        self.started_at, self._started = time.time(), time.monotonic()

    def refresh(self) -> None:
        """Read the state of a running container from the engine."""
        if self.status != RUNNING:
            return
        try:
            self.engine_container.reload()
        except NotFound:
            self._end("The container was removed")
            return
        state = self.engine_container.attrs["State"]
        if state["Running"]:
            self.health = HEALTH.get((state.get("Health") or {}).get("Status", ""), UNKNOWN)
            return
        self.exit_code = int(state["ExitCode"])
        self._end(OUT_OF_MEMORY if state.get("OOMKilled") else str(state.get("Error") or ""))

    def _end(self, reason: str) -> None:
        self.status, self.health, self.reason = STOPPED, UNKNOWN, reason
        self.ran_seconds = time.monotonic() - self._started

    def is_restarted(self) -> bool:
        """Return whether the container has stopped and its restart policy restarts it."""
        if self.status != STOPPED:
            return False
        policy = self.definition.restart_policy
        return policy is not None and policy.permits(self.exit_code, self.ran_seconds)

    def meets(self, condition: str) -> bool:
        """Return whether a container that depends on this one, by `condition`, can start."""
        return {
            START: self.status != PENDING,
            HEALTHY: self.health == HEALTHY,
            COMPLETE: self.status == STOPPED,
            SUCCESS: self.status == STOPPED and self.exit_code == 0,
        }[condition]

    def can_meet(self, condition: str) -> bool:
        """Return whether waiting for `condition` is of any use."""
        if self.status == STOPPED:
            return self.meets(condition)
        return self.status == PENDING or time.monotonic() < self._started + self.definition.start_timeout

    def stop(self) -> None:
        """Send the stop signal, or SIGKILL once the stop timeout is over. To be called again until it has stopped."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self.definition.stop_timeout
            self._signal(self.engine_container.attrs["Config"].get("StopSignal") or DEFAULT_SIGNAL)
        elif time.monotonic() >= self._kill_at:
            self._signal("SIGKILL")

    def seconds_to_kill(self) -> float | None:
        """Return how long until SIGKILL; None for a container that is not being stopped."""
        return None if self._kill_at is None or self.status != RUNNING else max(0.0, self._kill_at - time.monotonic())

    def report(self) -> ContainerReport:
        """Return its state for the control plane."""
        return ContainerReport(
            name=self.definition.name,
            last_status=self.status,
            runtime_id=str(self.engine_container.id),
            image_digest=digest_of(self.image),
            exit_code=self.exit_code,
            health_status=self.health,
            reason=self.reason,
            restart_count=self.restart_count,
        )

    def _signal(self, signal: str) -> None:
        try:
            self.engine_container.kill(signal)
        except NotFound:
            return
        except APIError as error:
            # It has just exited: `refresh` sees that.
            if error.status_code != CONFLICT:
                raise
