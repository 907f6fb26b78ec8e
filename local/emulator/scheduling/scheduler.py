"""Start and stop the tasks of every service, in one thread: whenever something has changed, and twice a second."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Final

from ministack.services import ecs

from local.emulator import target_health
from local.emulator.json_api import Json
from local.emulator.scheduling.deployments import add_event, watch_alarms
from local.emulator.scheduling.plan import ServiceState, TaskState, plan
from local.emulator.scheduling.tasks import scope_of, stop

INTERVAL_SECONDS: Final = 0.5
FAILED_CONTAINER: Final = "Task failed container health checks"
FAILED_TARGET: Final = "Task failed ELB health checks in (target-group {})"

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Scheduler:
    """It alone starts and stops tasks, so that no two steps race: ministack's calls that would do so wake it."""

    minute: float
    """The seconds of a minute of the alarms' periods."""
    _changed: Event = field(default_factory=Event)
    _stopped: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def install(self) -> None:
        """Take the place of ministack's scheduling, and start."""
        ecs._reconcile_service_tasks = lambda _cluster, _service: self.wake()
        # ministack's waits a second after each start; here the health of a task decides.
        ecs._schedule_service_deployment_completion = lambda *_arguments, **_options: self.wake()
        self._thread = Thread(target=self._run, name="ecs-scheduler", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have the next step taken now."""
        self._changed.set()

    def close(self) -> None:
        """Take no further step."""
        self._stopped.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._changed.wait(INTERVAL_SECONDS)
            self._changed.clear()
            for _, service in list(ecs._services.all_items()):
                if service.get("status") != "ACTIVE" or self._stopped.is_set():
                    continue
                try:
                    with scope_of(service["serviceArn"]):
                        schedule(service, self.minute)
                except Exception:  # noqa: BLE001 - a service whose step fails must not keep the others from theirs
                    _log.exception("scheduling the tasks of %s failed", service["serviceName"])


def schedule(service: Json, minute: float) -> None:
    """Note which tasks have become healthy or unhealthy, then start and stop tasks as planned."""
    cluster = service["clusterArn"].rpartition("/")[2]
    key = f"{cluster}/{service['serviceName']}"
    tasks = _active_tasks(service)
    for task in tasks:
        _note_health(service, key, task)
    if (deployment := ecs._primary_deployment(service)) is not None:
        watch_alarms(service, deployment, minute)
    primary = ecs._primary_deployment(service)
    if primary is None:
        return
    step = plan(_state(service, primary, tasks))
    for arn, reason in step.stop.items():
        stop(ecs._tasks[arn], reason)
    if step.start:
        _start(service, cluster, primary, step.start)
    ecs._refresh_service_state(cluster, f"service:{service['serviceName']}")
    ecs._complete_service_deployment(cluster, key)


def _active_tasks(service: Json) -> list[Json]:
    group, cluster = f"service:{service['serviceName']}", service["clusterArn"]
    return [
        each
        for each in ecs._tasks.values()
        if (each["group"], each["clusterArn"]) == (group, cluster) and ecs._task_is_active(each["taskArn"], each)
    ]


def _note_health(service: Json, key: str, task: Json) -> None:
    if task["lastStatus"] != "RUNNING" or task.get("_unhealthy"):
        return
    if (reason := _unhealthy_reason(service, task)) is not None:
        task["_unhealthy"] = reason
        add_event(service, f"(task {task['taskArn'].rpartition('/')[2]}) {reason.removeprefix('Task ')}.")
        ecs._record_service_task_failure(task)
    elif not task["_startup_stable"] and _is_healthy(service, task):
        ecs._record_service_task_healthy(key, task)


def _is_healthy(service: Json, task: Json) -> bool:
    states = _target_states(service, task).values()
    containers_healthy = task.get("healthStatus") == "HEALTHY" or not _has_health_check(task)
    return containers_healthy and all(state == "healthy" for state in states)


def _has_health_check(task: Json) -> bool:
    definition = ecs._task_defs.get(ecs._resolve_td_key(task["taskDefinitionArn"])) or {}
    return any(each.get("healthCheck") for each in definition.get("containerDefinitions", []))


def _unhealthy_reason(service: Json, task: Json) -> str | None:
    grace = float(service.get("healthCheckGracePeriodSeconds") or 0)
    if time.time() < ecs._ts_to_epoch(task["startedAt"]) + grace:
        return None
    if task.get("healthStatus") == "UNHEALTHY":
        return FAILED_CONTAINER
    failed = (group for group, state in _target_states(service, task).items() if state == "unhealthy")
    group = next(failed, None)
    return None if group is None else FAILED_TARGET.format(group)


def _target_states(service: Json, task: Json) -> dict[str, str]:
    """Return the state of the task's target by the ARN of each of the service's target groups."""
    ip = str(ecs._task_ip(task) or "")
    return {
        each["targetGroupArn"]: target_health.state_of(each["targetGroupArn"], ip, int(each["containerPort"]))
        for each in service.get("loadBalancers", [])
        if each.get("targetGroupArn")
    }


def _state(service: Json, primary: Json, tasks: list[Json]) -> ServiceState:
    configuration: dict[str, Any] = service.get("deploymentConfiguration") or {}
    return ServiceState(
        desired=int(service.get("desiredCount", 0)),
        primary=primary["id"],
        primary_has_failed=primary.get("rolloutState") == "FAILED",
        minimum_percent=int(configuration.get("minimumHealthyPercent", 100)),
        maximum_percent=int(configuration.get("maximumPercent", 200)),
        tasks=[
            TaskState(
                arn=each["taskArn"],
                deployment=str((ecs._deployment_for_task(service, each) or {}).get("id", "")),
                created=str(each["createdAt"]),
                healthy=_has_started(each) and not each.get("_unhealthy"),
                unhealthy=str(each.get("_unhealthy", "")),
            )
            for each in tasks
        ],
    )


def _has_started(task: Json) -> bool:
    return task["lastStatus"] == "RUNNING" and bool(task["_startup_stable"])


def _start(service: Json, cluster: str, deployment: Json, count: int) -> None:
    ecs._run_task(
        {
            "cluster": cluster,
            "taskDefinition": deployment["taskDefinition"],
            "count": count,
            "group": f"service:{service['serviceName']}",
            "startedBy": deployment["id"],
            "launchType": service.get("launchType"),
            "capacityProviderStrategy": service.get("capacityProviderStrategy"),
            "platformVersion": service.get("platformVersion", ""),
            "networkConfiguration": service.get("networkConfiguration", {}),
            "enableExecuteCommand": service.get("enableExecuteCommand", False),
            "_deploymentId": deployment["id"],
        }
    )
