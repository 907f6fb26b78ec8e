"""Let tasks of the emulated ECS fail: the name of an image decides how its container fares.

ministack counts failed tasks, triggers the circuit breaker and rolls back; it starts containers only with a Docker
engine. Here a task of an image in `FAILURES` stops as in AWS, and CloudFormation waits for the deployment, as in AWS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from ministack.core.concurrency import spawn_background
from ministack.core.responses import new_uuid
from ministack.services import cloudwatch, ecs
from ministack.services.cloudformation import provisioners, stacks

from local.emulator.ecs import SERVICE

REGISTRY: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
SECONDS_TO_FAIL: Final = 0.4
SECONDS_TO_DRAIN: Final = 1.5
"""From the failure of a first deployment to the end of its service: minutes in AWS."""
TRACEBACK: Final = (
    "Traceback (most recent call last):",
    '  File "/app/service/factory.py", line 5, in <module>',
    "    app = create_app(settings)",
    "ModuleNotFoundError: No module named 'flask_cors'",
)


class TaskFailure(NamedTuple):
    """How a task ends; `event` is what ECS writes about the service, the rest is in DescribeTasks.

    `after_rollout`: the containers run, and the deployment fails by its alarm after CloudFormation has succeeded.
    `seconds`: from the task's start to its end.
    """

    stop_code: str = ""
    stopped_reason: str = ""
    exit_code: int | None = None
    reason: str = ""
    output: Sequence[str] = ()
    event: str = ""
    after_rollout: bool = False
    seconds: float = SECONDS_TO_FAIL


FAILURES: Final = {
    "unpullable": TaskFailure(
        "TaskFailedToStart",
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
        f" {REGISTRY}/backend:1: {REGISTRY}/backend:1: not found",
    ),
    "crashing": TaskFailure("EssentialContainerExited", "Essential container in task exited", 1, output=TRACEBACK),
    "unhealthy": TaskFailure(
        "ServiceSchedulerInitiated",
        "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:000000000000:"
        "targetgroup/backend/6d0ecf831eec9f09)",
        143,
        output=("listening on 0.0.0.0:4567", "waiting for the database at db.internal:5432"),
        event="(port 4567) is unhealthy in (target-group backend) due to (reason Health checks failed with these"
        " codes: [503])",
    ),
    "greedy": TaskFailure(
        "EssentialContainerExited",
        "Essential container in task exited",
        137,
        "OutOfMemoryError: Container killed due to memory usage",
    ),
    "secretless": TaskFailure(
        "TaskFailedToStart",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
        " unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret"
        " arn:aws:secretsmanager:us-east-1:000000000000:secret:dev/cruddur/honeycomb-api-key-a1b2c3 from secrets"
        " manager: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
    ),
    "alarming": TaskFailure(after_rollout=True),
    "slow": TaskFailure("EssentialContainerExited", "Essential container in task exited", 1, seconds=3.0),
}


def install() -> None:
    """Patch ministack in this process."""
    original = stacks._runs_on_worker_thread
    # Its handlers wait for the deployment.
    stacks._runs_on_worker_thread = lambda kind: kind == SERVICE or original(kind)
    make_deployment = ecs._make_deployment
    ecs._make_deployment = lambda *values, **options: (
        make_deployment(*values, **options)
        | {
            "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": "ECS deployment in progress.",
        }
    )
    ecs._run_task = _failing(ecs._run_task)
    handlers = provisioners._RESOURCE_HANDLERS[SERVICE]
    handlers["create"] = _waiting(handlers["create"], is_first=True)
    handlers["update"] = _waiting(handlers["update"], is_first=False)


def _failing(run_task: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def run(request: dict[str, Any]) -> Any:  # noqa: ANN401 - ministack publishes no types
        before = set(ecs._tasks)
        response = run_task(request)
        for task in [task for arn, task in list(ecs._tasks.items()) if arn not in before]:
            failure = _failure(task["taskDefinitionArn"])
            if failure is None:
                continue
            task["_startup_stable"] = False  # the deployment stays in progress
            if not failure.after_rollout:
                task["lastStatus"] = "PENDING"
                spawn_background(_fail, task, failure)
        return response

    return run


def _failure(task_definition: str) -> TaskFailure | None:
    containers = ecs._task_defs[task_definition.rpartition("/")[2]]["containerDefinitions"]
    names = [container["image"].partition(":")[0] for container in containers]
    return next((FAILURES[name] for name in names if name in FAILURES), None)


def _fail(task: dict[str, Any], failure: TaskFailure) -> None:
    time.sleep(failure.seconds)
    definitions = ecs._task_defs[task["taskDefinitionArn"].rpartition("/")[2]]["containerDefinitions"]
    failing = next(each for each in definitions if each["image"].partition(":")[0] in FAILURES)
    configuration = ecs._awslogs_config(failing, task["taskArn"].rpartition("/")[2], "")
    if failure.output and configuration and ecs._ensure_awslogs_stream(configuration):
        for line in failure.output:
            ecs._emit_awslogs_event(configuration, line)
    for container in task["containers"]:
        if container["name"] == failing["name"]:
            container.update({"exitCode": failure.exit_code, **({"reason": failure.reason} if failure.reason else {})})
    service = next((each for each in ecs._services.values() if task["group"] == f"service:{each['serviceName']}"), None)
    if service is not None and failure.event:
        _write_event(service, failure.event)
    ecs._mark_task_stopped(task["taskArn"], task, failure.stopped_reason, failure.stop_code)
    if failure.stop_code == "ServiceSchedulerInitiated":  # ministack counts only the other two codes
        ecs._record_service_task_failure(task)


def _write_event(service: dict[str, Any], text: str) -> None:
    message = f"(service {service['serviceName']}) {text}."
    service["events"].insert(0, {"id": new_uuid(), "createdAt": ecs._iso(), "message": message})


def _waiting(handler: Callable[..., tuple[str, Any]], *, is_first: bool) -> Callable[..., tuple[str, Any]]:
    def handle(*arguments: Any) -> tuple[str, Any]:  # noqa: ANN401 - ministack publishes no types
        physical_id, attributes = handler(*arguments)
        cluster, name = physical_id.split("/")[-2:]
        service = ecs._services[f"{cluster}/{name}"]
        deployment = ecs._primary_deployment(service)
        failure = _failure(deployment["taskDefinition"])
        if failure is not None and failure.after_rollout:
            spawn_background(_roll_back_by_alarm, service, deployment)
            return physical_id, attributes
        while deployment["rolloutState"] == "IN_PROGRESS":
            time.sleep(0.05)
        if deployment["rolloutState"] == "FAILED":
            if is_first:  # ministack rolls back only what has been created
                time.sleep(SECONDS_TO_DRAIN)
                ecs._delete_service({"cluster": cluster, "service": name, "force": True})
            raise ValueError(
                "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit Breaker"
                " was triggered'.\" (RequestToken: 3d2fa2fb-1bd0-4a0e-8a7b-8d9e0a1b2c3d, HandlerErrorCode:"
                " GeneralServiceException)"
            )
        return physical_id, attributes

    return handle


def _roll_back_by_alarm(service: dict[str, Any], deployment: dict[str, Any]) -> None:
    """Fail the deployment as ECS does when one of its alarms goes into ALARM, and let the one before serve again."""
    time.sleep(4 * SECONDS_TO_FAIL)
    cluster = service["clusterArn"].rpartition("/")[2]
    name = service["deploymentConfiguration"]["alarms"]["alarmNames"][0]
    with suppress(KeyError):
        cloudwatch._alarms[name].update(
            StateValue="ALARM",
            StateTransitionedTimestamp=int(time.time()),
            StateReason="Threshold Crossed: 2 out of the last 5 datapoints were greater than 5",
        )
    _write_event(service, f"(deployment {deployment['id']}) deployment failed: alarm detected")
    previous = next(each for each in service["deployments"][1:] if each["rolloutState"] == "COMPLETED")
    previous.update(status="PRIMARY", rolloutState="COMPLETED", desiredCount=service["desiredCount"])
    deployment.update(
        status="ACTIVE", rolloutState="FAILED", rolloutStateReason="ECS deployment failed: alarm detected."
    )
    service["taskDefinition"] = previous["taskDefinition"]
    ecs._reconcile_service_tasks(cluster, f"{cluster}/{service['serviceName']}")
