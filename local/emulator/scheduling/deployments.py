"""Fail a deployment during which one of its alarms fires, and roll it back, as the circuit breaker does.

Source: "How CloudWatch alarms detect Amazon ECS deployment failures", Amazon ECS Developer Guide.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from ministack.services import ecs

from local.emulator import alarms
from local.emulator.json_api import Json
from local.emulator.scheduling.tasks import service_of

IN_PROGRESS: Final = "IN_PROGRESS"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"

TASKS_FAILED_TO_START: Final = "tasks failed to start."
MINISTACK_MESSAGES: Final = (
    "deployment failed: deployment circuit breaker was triggered.",
    "rolled back to the last completed deployment.",
)


def install() -> None:
    """Let a new service's first deployment be in progress until its tasks are healthy; ministack calls it complete.

    A deployment that the circuit breaker fails is explained in the words of Amazon ECS.
    """
    original, record_failure = ecs._make_deployment, ecs._record_service_task_failure

    def make(task_definition: str, desired: int, status: str = "PRIMARY") -> Json:
        deployment: Json = original(task_definition, desired, status)
        return {**deployment, "rolloutState": IN_PROGRESS, "rolloutStateReason": "ECS deployment in progress."}

    def record(task: Json, **options: bool) -> None:
        service = service_of(task)
        deployment = None if service is None else ecs._deployment_for_task(service, task)
        before = None if deployment is None else deployment.get("rolloutState")
        record_failure(task, **options)
        if service is not None and deployment is not None and before != deployment.get("rolloutState") == FAILED:
            _reword(service, deployment)

    ecs._make_deployment = make
    ecs._record_service_task_failure = record


def _reword(service: Json, failed: Json) -> None:
    """Give the failure the messages of Amazon ECS, in place of ministack's, in the events too."""
    failed["rolloutStateReason"] = f"ECS deployment circuit breaker: {TASKS_FAILED_TO_START}"
    events = service["events"]
    events[:] = [each for each in events if not each["message"].endswith(MINISTACK_MESSAGES)]
    add_event(service, f"(deployment {failed['id']}) deployment failed: {TASKS_FAILED_TO_START}")
    primary = ecs._primary_deployment(service)
    if primary is not None and primary is not failed:
        _add_rollback_event(service, primary)


def watch_alarms(service: Json, deployment: Json, minute: float) -> None:
    """Fail a deployment whose alarm fires, until its bake time is over; then it is what the next one rolls back to.

    An alarm that fires already when the deployment becomes the primary one, as after a rollback, says nothing of it,
    and is not watched. `minute` has as many seconds as a minute of the alarms' periods.
    """
    names = _alarm_names(service)
    if service.get("_alarms_watched_for") != deployment["id"]:
        service.update(_alarms_watched_for=deployment["id"], _alarms_before=alarms.alarms_in_alarm(names))
    firing = [each for each in alarms.alarms_in_alarm(names) if each not in service["_alarms_before"]]
    if _is_watched(deployment, names, minute) and firing:
        _fail(service, deployment, firing[0])
    elif deployment.get("rolloutState") == COMPLETED and not _is_watched(deployment, names, minute):
        service["_rollback_point"] = deployment["taskDefinition"]


def _alarm_names(service: Json) -> list[str]:
    watched = (service.get("deploymentConfiguration") or {}).get("alarms") or {}
    return list(watched.get("alarmNames", [])) if watched.get("enable") else []


def _is_watched(deployment: Json, names: Sequence[str], minute: float) -> bool:
    """Return whether the deployment is in progress, or was completed less than the alarms' evaluated periods ago.

    Amazon ECS calls a deployment in progress during that bake time; here it is complete, as `make up` does not wait.
    """
    if deployment.get("rolloutState") == IN_PROGRESS:
        return True
    completed = deployment.setdefault("_completed_at", time.monotonic())
    bake = max((alarms.evaluated_seconds(each, minute) for each in names), default=0.0)
    return deployment.get("rolloutState") == COMPLETED and time.monotonic() < completed + bake


def _fail(service: Json, deployment: Json, alarm: str) -> None:
    deployment.update(
        rolloutState=FAILED, rolloutStateReason=f"ECS deployment failed: alarm detected: {alarm}.", updatedAt=ecs._iso()
    )
    add_event(service, f"(deployment {deployment['id']}) deployment failed: alarm detected.")
    if service["deploymentConfiguration"]["alarms"].get("rollback"):
        _roll_back(service, deployment)


def _roll_back(service: Json, failed: Json) -> None:
    others = (each for each in service["deployments"] if each is not failed)
    running = next((each for each in others if each["rolloutState"] == COMPLETED), None)
    point = service.get("_rollback_point")
    if running is not None:
        # Its tasks still run.
        failed.update(status="ACTIVE", desiredCount=0)
        running.update(
            status="PRIMARY",
            desiredCount=service["desiredCount"],
            rolloutState=IN_PROGRESS,
            rolloutStateReason="ECS deployment rollback in progress.",
        )
        service["taskDefinition"] = running["taskDefinition"]
    elif point not in {None, failed["taskDefinition"]}:
        cluster = service["clusterArn"].rpartition("/")[2]
        ecs._update_service({"cluster": cluster, "service": service["serviceName"], "taskDefinition": point})
    else:
        return
    _add_rollback_event(service, ecs._primary_deployment(service))


def _add_rollback_event(service: Json, primary: Json) -> None:
    add_event(service, f"rolling back to deployment {primary['id']}.")


def add_event(service: Json, message: str) -> None:
    """Add the newest event of a service; its message begins with the service's name."""
    text = f"(service {service['serviceName']}) {message}"
    service["events"].insert(0, {"id": ecs.new_uuid(), "createdAt": ecs._iso(), "message": text})
