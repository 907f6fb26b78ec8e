"""The metadata of a task and of its containers ("Amazon ECS task metadata v4 JSON response for tasks on Fargate")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.containers.container import RUNNING, STOPPED, TaskContainer
from local.containers.definition import CPU_UNITS_PER_VCPU, TaskDefinition
from local.containers.launch import Launch
from local.containers.roles import timestamp

Json = dict[str, Any]


class TaskDocuments:
    """The documents of one task. `containers` grows as they are created."""

    def __init__(
        self, launch: Launch, definition: TaskDefinition, containers: Sequence[TaskContainer], region: str
    ) -> None:
        self._launch = launch
        self._definition = definition
        self._containers = containers
        self._region = region
        self.address = ""

    def task_metadata(self) -> Json:
        """Return the document of the task."""
        definition = self._definition
        is_running = self._containers and all(each.status == RUNNING for each in self._containers)
        return {
            "Cluster": self._launch.cluster_arn,
            "TaskARN": self._launch.task_arn,
            "Family": definition.family,
            "Revision": definition.revision,
            "DesiredStatus": RUNNING,
            "KnownStatus": RUNNING if is_running else "PENDING",
            "Limits": {"CPU": definition.cpu / CPU_UNITS_PER_VCPU, "Memory": definition.memory},
            "AvailabilityZone": f"{self._region}a",
            "LaunchType": "FARGATE",
            "Containers": [self._container(each) for each in self._containers],
        }

    def container_metadata(self, name: str) -> Json:
        """Return the document of one container; before it is created, its name alone."""
        found = [self._container(each) for each in self._containers if each.definition.name == name]
        return found[0] if found else {"Name": name}

    def _container(self, container: TaskContainer) -> Json:
        definition = container.definition
        document: Json = {
            "DockerId": container.engine_container.id,
            "Name": definition.name,
            "DockerName": container.engine_container.name,
            "Image": definition.image,
            "ImageID": container.image.id,
            "Labels": _labels(container),
            "DesiredStatus": RUNNING,
            "KnownStatus": container.status,
            "Limits": {"CPU": definition.cpu, "Memory": definition.memory or self._definition.memory},
            "CreatedAt": timestamp(container.created_at),
            "Type": "NORMAL",
            "ContainerARN": f"{self._launch.task_arn.replace(':task/', ':container/')}/{definition.name}",
            "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [self.address], "AttachmentIndex": 0}],
        }
        if container.started_at is not None:
            document["StartedAt"] = timestamp(container.started_at)
        if container.status == STOPPED:
            document["ExitCode"] = container.exit_code
        if container.logs is not None:
            document |= {"LogDriver": "awslogs", "LogOptions": _log_options(container)}
        return document


def _labels(container: TaskContainer) -> Mapping[str, str]:
    labels: Mapping[str, str] = container.engine_container.labels
    return labels


def _log_options(container: TaskContainer) -> Json:
    options, logs = container.definition.log_options or {}, container.logs
    return {**options, "awslogs-stream": logs.name if logs else ""}
