"""Run the tasks of ministack's ECS on the container agent, and keep their records: RunTask, StopTask and what follows.

Source: "Amazon ECS task lifecycle", Developer Guide; Task and Container, Amazon ECS API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ministack.core.concurrency import resource_lock
from ministack.core.responses import new_uuid, request_scope
from ministack.services import ecs

from local.containers.launch import Agent, ContainerReport, Launch
from local.emulator.json_api import Json
from local.emulator.target_groups import deregistration_delay

LOCK: Final = "ecs-task"
FAILURES: Final = frozenset({"EssentialContainerExited", "TaskFailedToStart"})
"""The stop codes of a task that ended by itself."""
OVERRIDABLE: Final = ("cpu", "executionRoleArn", "memory", "taskRoleArn")
"""What a task may have in place of its definition's ("TaskOverride", Amazon ECS API reference)."""


@contextmanager
def scope_of(arn: str) -> Iterator[None]:
    """Read and write the records of the account and region of `arn`."""
    _, _, _, region, account, _ = arn.split(":", 5)
    with request_scope(account, region):
        yield


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task's record in ministack (`Reports`)."""

    task: Json
    changed: Callable[[], None]
    """Wakes the scheduler."""

    def activating(self) -> None:
        """Have DescribeTasks show the task as ACTIVATING."""
        with scope_of(self._arn):
            ecs._mark_task_pending(self._arn, self.task)
            ecs._mark_task_activating(self._arn, self.task)

    def address(self, ip: str) -> None:
        """Attach the elastic network interface, which the service registers as a target."""
        details = [{"name": "privateIPv4Address", "value": ip}]
        if subnet := self.task.get("_subnet"):
            details.insert(0, {"name": "subnetId", "value": subnet})
        interface = {"id": new_uuid(), "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details}
        with resource_lock(LOCK, self._arn):
            self.task["attachments"] = [interface]

    def container(self, report: ContainerReport) -> None:
        """Update one of the task's containers."""
        with resource_lock(LOCK, self._arn):
            for each in self.task["containers"]:
                if each["name"] == report.name:
                    each.update(_container(report))

    def running(self) -> None:
        """Have the task counted and registered."""
        with scope_of(self._arn):
            ecs._mark_task_running(self._arn, self.task)
        self.changed()

    def health(self, status: str) -> None:
        """Note the health status of the task."""
        with resource_lock(LOCK, self._arn):
            self.task["healthStatus"] = status
        self.changed()

    def stopping(self, reason: str, stop_code: str) -> None:
        """End a task whose essential container has exited, or that could not start."""
        with scope_of(self._arn):
            mark_stopping(self._arn, self.task, reason, stop_code)
        self.changed()

    def stopped(self) -> None:
        """Close the record, and count the task's end."""
        with resource_lock(LOCK, self._arn):
            now = ecs._iso()
            self.task.update(lastStatus="STOPPED", desiredStatus="STOPPED", executionStoppedAt=now, stoppedAt=now)
            for each in self.task["containers"]:
                each["lastStatus"] = "STOPPED"
        with scope_of(self._arn):
            _count(self.task)
        self.changed()

    @property
    def _arn(self) -> str:
        return str(self.task["taskArn"])


def install(agent: Agent, changed: Callable[[], None]) -> None:
    """Have `agent` run the tasks; `changed` wakes the scheduler."""

    def run(task: Json, definition: Json, overrides: Sequence[Json], *_engine_and_scope: object) -> None:
        agent.run(_launch(task, definition, overrides), TaskRecord(task, changed))

    def end(task: Json, _docker: object, _container: object = None) -> None:
        agent.stop(task["taskArn"], drain_seconds=drain_seconds(task))

    # Also what makes ministack take the paths of an engine; our functions take its place in all of them.
    ecs._get_docker = lambda: agent
    ecs._run_task_worker = run
    ecs._cleanup_task_resources = end
    ecs._mark_task_stopped = mark_stopping
    # The agent reports exits by itself.
    ecs._maybe_mark_stopped = lambda _task, _docker=None: None


def mark_stopping(arn: str, task: Json, reason: str, stop_code: str, exit_code: int | None = None) -> bool:  # noqa: ARG001 - ministack passes it; the agent reports each container's own
    """Deregister a task and let its containers end; return False where it had already been told to stop.

    ministack's own function calls the task STOPPED at once, before its containers have stopped.
    """
    with resource_lock(LOCK, arn):
        if not ecs._task_is_active(arn, task):
            return False
        ecs._bump_task_version(task)
        task.update(
            desiredStatus="STOPPED",
            lastStatus="DEACTIVATING",
            stoppingAt=ecs._iso(),
            stoppedReason=reason,
            stopCode=stop_code,
        )
    _count(task)
    if stop_code in FAILURES:
        ecs._record_service_task_failure(task)
    return True


def stop(task: Json, reason: str) -> None:
    """Stop a task on behalf of its service."""
    ecs._mark_task_stopped(task["taskArn"], task, reason, "ServiceSchedulerInitiated")
    ecs._cleanup_task_resources(task, ecs._get_docker())


def drain_seconds(task: Json) -> float:
    """Return how long the targets of a task keep the requests that they have, before its containers are stopped."""
    service = service_of(task) if task.get("startedAt") else None
    groups = [each.get("targetGroupArn", "") for each in (service or {}).get("loadBalancers", [])]
    return max((deregistration_delay(each) for each in groups), default=0.0)


def service_of(task: Json) -> Json | None:
    """Return the record of the service that a task belongs to, None for a task of RunTask."""
    group, cluster = str(task.get("group", "")), ecs._cluster_name_from_arn(task.get("clusterArn", ""))
    if not group.startswith("service:"):
        return None
    service: Json | None = ecs._services.get(f"{cluster}/{group.removeprefix('service:')}")
    return service


def _count(task: Json) -> None:
    """Have the counts of the cluster and the service, and its targets, follow a task's status."""
    cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
    ecs._recount_cluster(cluster)
    ecs._refresh_service_state(cluster, task.get("group", ""))


def _launch(task: Json, definition: Json, overrides: Sequence[Json]) -> Launch:
    of_task = task.get("overrides") or {}
    return Launch(
        task_arn=task["taskArn"],
        cluster_arn=task["clusterArn"],
        definition={**definition, **{name: of_task[name] for name in OVERRIDABLE if of_task.get(name)}},
        commands={each["name"]: each["command"] for each in overrides if each.get("command")},
        environment={
            each["name"]: {pair["name"]: pair["value"] for pair in each.get("environment", [])} for each in overrides
        },
    )


def _container(report: ContainerReport) -> dict[str, Any]:
    values = {
        "lastStatus": report.last_status,
        "runtimeId": report.runtime_id or None,
        "imageDigest": report.image_digest or None,
        "exitCode": report.exit_code,
        "healthStatus": report.health_status,
        "reason": report.reason or None,
    }
    return {name: value for name, value in values.items() if value is not None}
