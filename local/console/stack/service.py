"""The ECS service, its tasks and their containers, and the process that runs in their place without an engine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psutil

from flask_onetrace.contract import Output, Variable
from local.commands.status import memory_bytes
from local.console.stack.source import StackSource, last_part, output, readable, timestamp
from local.service.runner import ROLE
from local.workspace.session import Session
from operations.errors import OperatorError
from operations.traces.deployment import Deployment
from operations.traces.document import Json

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ContainerTypeDef, ServiceTypeDef, TaskTypeDef

EVENTS: Final = 5
STOPPED_TASKS: Final = 5


def service(source: StackSource) -> Json:
    """Return the service, its running tasks, those that stopped last, and the process, where the service is one."""
    deployment, session = source.deployment(), source.session()
    ecs = deployment.aws.ecs
    cluster, name = output(deployment, Output.CLUSTER), output(deployment, Output.SERVICE)
    with readable(source, "ECS"):
        described = ecs.describe_services(cluster=cluster, services=[name])["services"]
        if not described:
            raise OperatorError(f"The service {name} does not exist", "Run make up again")
        versions = _Versions(deployment)
        tasks = [_task(each, versions) for each in _tasks(deployment, cluster, name)]
        return {
            "mode": "process" if session.state.engine is None else "containers",
            "service": _service(described[0]),
            "tasks": [each for each in tasks if each["status"] != "STOPPED"],
            "stopped": [each for each in tasks if each["status"] == "STOPPED"][:STOPPED_TASKS],
            "process": _process(session, versions),
        }


class _Versions:
    """The containers of each task definition by name, described once each."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._containers: dict[str, Mapping[str, Mapping[str, Any]]] = {}

    def containers(self, task_definition: str) -> Mapping[str, Mapping[str, Any]]:
        if task_definition not in self._containers:
            described = self._deployment.aws.ecs.describe_task_definition(taskDefinition=task_definition)
            definitions = described["taskDefinition"].get("containerDefinitions", [])
            self._containers[task_definition] = {each.get("name", ""): each for each in definitions}
        return self._containers[task_definition]

    def version(self, task_definition: str) -> str:
        """Return the version that the application's container is told, "" where none is."""
        variables = (
            variable
            for container in self.containers(task_definition).values()
            for variable in container.get("environment", [])
        )
        return next((each["value"] for each in variables if each["name"] == Variable.SERVICE_VERSION), "")


def _service(described: ServiceTypeDef) -> Json:
    return {
        "name": described.get("serviceName", ""),
        "status": described.get("status", ""),
        "desired": described.get("desiredCount", 0),
        "running": described.get("runningCount", 0),
        "pending": described.get("pendingCount", 0),
        "deployments": [
            {
                "status": each.get("status", ""),
                "rollout": each.get("rolloutState", ""),
                "reason": each.get("rolloutStateReason", ""),
                "definition": last_part(each.get("taskDefinition", "")),
                "failed": each.get("failedTasks", 0),
                "updated": timestamp(each.get("updatedAt")),
            }
            for each in described.get("deployments", [])
        ],
        "events": [
            {"at": timestamp(each.get("createdAt")), "message": each.get("message", "")}
            for each in described.get("events", [])[:EVENTS]
        ],
    }


def _tasks(deployment: Deployment, cluster: str, name: str) -> list[TaskTypeDef]:
    """Return the tasks of the service, the newest first."""
    ecs = deployment.aws.ecs
    arns = ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"]
    with suppress(IndexError):  # the newest hundred, which is what one call describes
        arns += ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus="STOPPED")["taskArns"]
    if not arns:
        return []
    tasks = ecs.describe_tasks(cluster=cluster, tasks=list(dict.fromkeys(arns))[:100])["tasks"]
    return sorted(tasks, key=lambda each: timestamp(each.get("createdAt")) or 0, reverse=True)


def _task(task: TaskTypeDef, versions: _Versions) -> Json:
    definition = task.get("taskDefinitionArn", "")
    return {
        "id": last_part(task.get("taskArn", "")),
        "status": task.get("lastStatus", ""),
        "desired_status": task.get("desiredStatus", ""),
        "health": task.get("healthStatus", ""),
        "definition": last_part(definition),
        "version": versions.version(definition),
        "cpu": task.get("cpu", ""),
        "memory": task.get("memory", ""),
        "created": timestamp(task.get("createdAt")),
        "started": timestamp(task.get("startedAt")),
        "stopped": timestamp(task.get("stoppedAt")),
        "stopped_reason": task.get("stoppedReason", ""),
        "address": _address(task),
        "containers": [
            _container(each, versions.containers(definition).get(each.get("name", ""), {}))
            for each in task.get("containers", [])
        ],
    }


def _container(container: ContainerTypeDef, definition: Mapping[str, Any]) -> Json:
    return {
        "name": container.get("name", ""),
        "status": container.get("lastStatus", ""),
        "health": container.get("healthStatus", ""),
        "image": container.get("image", ""),
        "digest": container.get("imageDigest", ""),
        "exit_code": container.get("exitCode"),
        "reason": container.get("reason", ""),
        "memory": container.get("memory", ""),
        "essential": definition.get("essential", True),
        "restarted": bool(definition.get("restartPolicy", {}).get("enabled")),
    }


def _address(task: TaskTypeDef) -> str:
    details = [detail for each in task.get("attachments", []) for detail in each.get("details", [])]
    return next((each.get("value", "") for each in details if each.get("name") == "privateIPv4Address"), "")


def _process(session: Session, versions: _Versions) -> Json | None:
    """Return the process that runs the task definition, None where containers do."""
    running = session.state.service
    if running is None:
        return None
    record = session.running(ROLE, running.pid)
    return {
        "pid": running.pid,
        "port": running.port,
        "running": record is not None,
        "started": None if record is None else record.created,
        "memory": None if record is None else memory_bytes(record),
        "workers": 0 if record is None else _children(running.pid),
        "definition": last_part(running.task_definition),
        "version": versions.version(running.task_definition),
        "log": str(session.folders.log(ROLE)),
        "read_at": time.time(),
    }


def _children(pid: int) -> int:
    try:
        return len(psutil.Process(pid).children())
    except psutil.Error:
        return 0
