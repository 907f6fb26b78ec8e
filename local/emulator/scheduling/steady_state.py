"""Have CloudFormation wait until a service is stable, and fail where its deployment does.

Source: "AWS::ECS::Service", CloudFormation template reference; the messages are those of its resource handler.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ministack.services import ecs
from ministack.services.cloudformation import provisioners, stacks

from local.emulator.ecs import SERVICE
from local.emulator.json_api import Json
from local.emulator.scheduling.deployments import COMPLETED, FAILED

STABLE_SECONDS: Final = 900.0
"""A bound for a service without a circuit breaker; AWS waits three hours."""
POLL_SECONDS: Final = 0.2
CIRCUIT_BREAKER: Final = (
    'Resource handler returned message: "Error occurred during operation'
    " 'ECS Deployment Circuit Breaker was triggered'.\" (HandlerErrorCode: GeneralServiceException)"
)
NOT_STABILIZED: Final = (
    'Resource handler returned message: "Service did not stabilize" (HandlerErrorCode: NotStabilized)'
)


class DeploymentFailedError(Exception):
    """The service's deployment failed: the message is CloudFormation's."""


def install() -> None:
    """Extend what creates, updates and deletes a service in a stack."""
    # Waiting must not block the event loop, on which the containers' calls are answered.
    original = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind == SERVICE or original(kind)
    handlers = provisioners._RESOURCE_HANDLERS[SERVICE]
    provisioners._RESOURCE_HANDLERS[SERVICE] = {
        **handlers,
        "create": _stable_after(handlers["create"]),
        "update": _stable_after(handlers["update"]),
        "delete": _stopped_after(handlers["delete"]),
    }


def _stable_after(handler: Callable[..., tuple[str, Json]]) -> Callable[..., tuple[str, Json]]:
    def handle(*arguments: object, **options: object) -> tuple[str, Json]:
        service, attributes = handler(*arguments, **options)
        record = ecs._services["/".join(service.split("/")[-2:])]
        wait_until_stable(record, record["taskDefinition"])
        return service, attributes

    return handle


def wait_until_stable(service: Json, task_definition: str) -> None:
    """Return once the service runs what was asked for. Raises `DeploymentFailedError`."""
    end = time.monotonic() + STABLE_SECONDS
    while time.monotonic() < end:
        primary = ecs._primary_deployment(service) or {}
        if service["taskDefinition"] != task_definition or primary.get("rolloutState") == FAILED:
            raise DeploymentFailedError(CIRCUIT_BREAKER)
        if primary.get("rolloutState") == COMPLETED and service["runningCount"] >= service["desiredCount"]:
            return
        time.sleep(POLL_SECONDS)
    raise DeploymentFailedError(NOT_STABILIZED)


def _stopped_after(handler: Callable[[str, Json], None]) -> Callable[[str, Json], None]:
    def handle(service: str, properties: Json) -> None:
        handler(service, properties)
        cluster, name = service.split("/")[-2:]
        end = time.monotonic() + STABLE_SECONDS
        while time.monotonic() < end and _tasks_left(cluster, name):
            time.sleep(POLL_SECONDS)

    return handle


def _tasks_left(cluster: str, name: str) -> bool:
    return any(
        each.get("group") == f"service:{name}"
        and each["clusterArn"].endswith(f"/{cluster}")
        and each["lastStatus"] != "STOPPED"
        for each in ecs._tasks.values()
    )
