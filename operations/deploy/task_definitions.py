"""Read task definitions, each once: a revision never changes."""

from __future__ import annotations

from typing import Any

from flask_onetrace.contract import Variable
from operations.deploy.clients import Client


class TaskDefinitions:
    """The containers of task definitions, by ARN; `container` is the name of the application's."""

    def __init__(self, ecs: Client, container: str) -> None:
        self._ecs = ecs
        self._container = container
        self._containers: dict[str, list[dict[str, Any]]] = {}

    def containers(self, arn: str) -> list[dict[str, Any]]:
        """Return the container definitions. Raises botocore's `ClientError`."""
        if arn not in self._containers:
            response = self._ecs.describe_task_definition(taskDefinition=arn)
            self._containers[arn] = (response.get("taskDefinition") or {}).get("containerDefinitions") or []
        return self._containers[arn]

    def version(self, arn: str) -> str:
        """Return the version that the service's container runs, else the revision's name. Raises `ClientError`."""
        variables = [
            variable
            for container in self.containers(arn)
            if container.get("name") == self._container
            for variable in container.get("environment") or []
        ]
        versions = [each.get("value") for each in variables if each.get("name") == Variable.SERVICE_VERSION]
        return (versions[0] if versions else None) or revision(arn)


def revision(arn: str) -> str:
    """Return `family:revision` of a task definition's ARN."""
    return arn.rpartition("/")[2]
