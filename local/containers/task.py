"""Run one task to its end."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Event
from typing import Final

from local.containers.container import PENDING, RUNNING, STOPPED, UNHEALTHY, UNKNOWN, TaskContainer
from local.containers.definition import HEALTHY
from local.containers.engine import ENGINE_ERRORS, explanation
from local.containers.errors import TaskStartError, TaskStoppedError
from local.containers.host import Host
from local.containers.launch import ContainerReport, Launch, Reports
from local.containers.task_resources import TaskResources

POLL_SECONDS: Final = 0.5
"""Between two looks at the containers."""
MAX_FAILURES: Final = 20
"""Of the engine, one after another, until the task is given up."""
FROM_ENGINE: Final = "Error response from daemon"
FAILED_TO_START: Final = "TaskFailedToStart"
CONTAINER_EXITED: Final = "EssentialContainerExited"


class Task:
    """A task that runs in the thread that calls `run`. Other threads may call `stop`."""

    def __init__(self, launch: Launch, reports: Reports, host: Host) -> None:
        self.ended = Event()
        self._launch = launch
        self._reports = reports
        self._host = host
        self._containers: list[TaskContainer] = []
        self._resources: TaskResources | None = None
        self._wake = Event()
        self._stopping = Event()
        self._stop_at = float("inf")
        self._is_ending = False
        self._is_running = False
        self._health = UNKNOWN
        self._reported: dict[str, ContainerReport] = {}

    def run(self) -> None:
        """Start the containers, watch them, and remove all that the task has in the engine."""
        with ExitStack() as cleanup:
            cleanup.callback(self._finish)
            try:
                self._resources = TaskResources(self._launch, self._reports, self._host, self._stopping, cleanup)
                self._containers = self._resources.create_containers()
                self._report()
                self._resources.run_before_start()
                self._watch()
            except TaskStoppedError:
                return
            except TaskStartError as error:
                self._end(str(error), FAILED_TO_START)
            except (*ENGINE_ERRORS, OSError) as error:
                self._end(f"CannotCreateContainerError: {FROM_ENGINE}: {explanation(error)}", FAILED_TO_START)
            except Exception as error:  # noqa: BLE001 - the task's thread shall report whatever is wrong
                self._host.log(traceback.format_exc())
                self._end(f"InternalError: {type(error).__name__}", FAILED_TO_START)

    def stop(self, drain_seconds: float) -> None:
        """End the task after so many seconds; before its containers have started, at once."""
        self._stop_at = min(self._stop_at, time.monotonic() + drain_seconds)
        self._stopping.set()
        self._wake.set()

    def _finish(self) -> None:
        self._reports.stopped()
        self.ended.set()

    def _watch(self) -> None:
        failures = 0
        while not (self._is_ending and all(each.status != RUNNING for each in self._containers)):
            try:
                self._step()
                failures = 0
            except TaskStartError as error:
                self._end(str(error), FAILED_TO_START)
            except ENGINE_ERRORS as error:
                failures += 1
                self._host.log(f"{FROM_ENGINE}: {explanation(error)}")
                if failures == MAX_FAILURES:
                    self._end("The Docker engine does not respond", CONTAINER_EXITED)
                    return
            self._report()
            self._wake.wait(self._seconds_until_due())
            self._wake.clear()

    def _seconds_until_due(self) -> float:
        """Return the seconds until something is due."""
        due = [each.seconds_to_kill() for each in self._containers]
        if not self._is_ending:
            due.append(max(0.0, self._stop_at - time.monotonic()))
        return min([POLL_SECONDS, *(each for each in due if each is not None)])

    def _step(self) -> None:
        for container in self._containers:
            container.refresh()
        if time.monotonic() >= self._stop_at:
            self._is_ending = True
        if self._is_ending:
            self._stop_in_order()
            return
        for container in self._containers:
            if container.status == PENDING:
                self._start_if_ready(container)
            elif container.is_restarted():
                container.start()
        self._update_status()

    def _update_status(self) -> None:
        """Report what has become of the task, and end it where it has no essential container any more."""
        stopped = [each for each in self._containers if each.status == STOPPED]
        if any(each.definition.essential for each in stopped) or len(stopped) == len(self._containers):
            self._end("Essential container in task exited", CONTAINER_EXITED)
        elif self._resources is not None and not self._resources.namespace.is_held():
            self._end("The network namespace of the task was removed", CONTAINER_EXITED)
        elif not self._is_running and all(each.status != PENDING for each in self._containers):
            self._is_running = True
            self._report()
            self._reports.running()
        health = health_of(self._containers)
        if health != self._health:
            self._health = health
            self._report()
            self._reports.health(health)

    def _start_if_ready(self, container: TaskContainer) -> None:
        others = {each.definition.name: each for each in self._containers}
        waiting = {
            name: condition
            for name, condition in container.definition.dependencies.items()
            if not others[name].meets(condition)
        }
        for name, condition in waiting.items():
            if not others[name].can_meet(condition):
                raise TaskStartError(
                    f"CannotStartContainerError: container {container.definition.name} depends on {name} "
                    f"({condition}), which is {others[name].status} {others[name].health}"
                )
        if waiting:
            return
        try:
            container.start()
        except ENGINE_ERRORS as error:
            raise TaskStartError(f"CannotStartContainerError: {FROM_ENGINE}: {explanation(error)}") from error

    def _stop_in_order(self) -> None:
        """Stop the containers that no running one depends on ("dependsOn", Amazon ECS API reference)."""
        needed = {name for each in self._containers if each.status == RUNNING for name in each.definition.dependencies}
        for container in self._containers:
            if container.status == RUNNING and container.definition.name not in needed:
                container.stop()

    def _end(self, reason: str, code: str) -> None:
        """Begin to stop the task, for a reason of its own."""
        if self._is_ending:
            return
        self._is_ending = True
        self._report()
        if not self._stopping.is_set():
            self._reports.stopping(reason, code)
        # The containers are signalled at once.
        self._wake.set()

    def _report(self) -> None:
        for container in self._containers:
            report = container.report()
            if self._reported.get(report.name) != report:
                self._reported[report.name] = report
                self._reports.container(report)


def health_of(containers: Sequence[TaskContainer]) -> str:
    """Return the health of a task, by its essential containers that have a health check ("HealthCheck", the same)."""
    checked = [each.health for each in containers if each.definition.essential and each.definition.health_check]
    if UNHEALTHY in checked:
        return UNHEALTHY
    return HEALTHY if checked and set(checked) == {HEALTHY} else UNKNOWN
