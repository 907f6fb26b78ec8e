"""Get ready what a task needs: roles, secrets, images, network, volumes, log streams; create its containers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from local.containers import before_start
from local.containers.container import TaskContainer, health_check_of, options_of
from local.containers.definition import ContainerDefinition, TaskDefinition, parse
from local.containers.documents import TaskDocuments
from local.containers.engine import DEPLOYMENT_LABEL, ENGINE_ERRORS, TASK_LABEL, explanation, name_of, remove
from local.containers.errors import TaskStartError, TaskStoppedError
from local.containers.host import Host
from local.containers.image_source import Images
from local.containers.launch import Launch, Reports, RoleError
from local.containers.logs import LogStream
from local.containers.metadata import MetadataServer, port_for
from local.containers.network import TaskNamespace
from local.containers.roles import ExecutionRole, RoleCredentials
from local.containers.secrets import read_secrets
from local.containers.settings import EVERY_CONTAINER, AgentSettings
from local.containers.validation import violations

if TYPE_CHECKING:
    from docker.models.images import Image

EXECUTION_ENVIRONMENT: Final = "AWS_ECS_FARGATE"


class TaskResources:
    """All that a task has before its containers start. `cleanup` removes it again.

    Raises `TaskStartError`, `TaskStoppedError` once `stopping` is set, and the errors of the engine.
    """

    def __init__(self, launch: Launch, reports: Reports, host: Host, stopping: Event, cleanup: ExitStack) -> None:
        self._launch = launch
        self._host = host
        self._stopping = stopping
        self._cleanup = cleanup
        self._settings = _settings(host.settings_file)
        self._definition = _definition(launch)
        reports.activating()
        self._role = self._execution_role()
        task_role = self._task_role()
        self._secrets = self._read_secrets()
        self._images = self._find_images()
        self._folder = folder = self._create_folder()
        self._containers: list[TaskContainer] = []
        documents = TaskDocuments(launch, self._definition, self._containers, host.region)
        self._metadata_port = port_for(self._definition.ports)
        self._metadata = MetadataServer(folder, documents, task_role, self._metadata_port)
        cleanup.callback(self._metadata.close)
        self.namespace = self._enter_namespace(folder)
        documents.address = self.namespace.address
        reports.address(self.namespace.address)
        self._volumes = self._create_volumes()

    def create_containers(self) -> list[TaskContainer]:
        """Create the containers."""
        for definition in self._definition.containers:
            self._check_stop()
            self._containers.append(self._create(definition))
        return self._containers

    def run_before_start(self) -> None:
        """Run the command of the settings, where it has not run for this revision; return once it has ended."""
        command = self._settings.before_start
        containers = {each.definition.name: each for each in self._containers}
        if command is None or (container := containers.get(command.container)) is None:
            return
        options = self._options(container.definition)
        options["environment"] |= command.environment
        run = partial(
            before_start.run,
            self._host.engine,
            str(container.image.id),
            command.command,
            self._stopping,
            container.logs,
            name=f"{name_of(self._launch.task_id)}.before-start",
            **options,
        )
        self._host.revisions.once(self._definition.arn, run, self._stopping)

    def _check_stop(self) -> None:
        if self._stopping.is_set():
            raise TaskStoppedError

    def _labels(self, container: str) -> dict[str, str]:
        definition = self._definition
        return {
            DEPLOYMENT_LABEL: self._host.deployment,
            TASK_LABEL: self._launch.task_arn,
            # As the agent of Amazon ECS labels its containers.
            "com.amazonaws.ecs.cluster": self._launch.cluster_arn,
            "com.amazonaws.ecs.container-name": container,
            "com.amazonaws.ecs.task-arn": self._launch.task_arn,
            "com.amazonaws.ecs.task-definition-family": definition.family,
            "com.amazonaws.ecs.task-definition-version": definition.revision,
        }

    def _credentials(self, role: str | None) -> RoleCredentials | None:
        return None if role is None else RoleCredentials(self._host.assume_role, role, self._launch.task_id)

    def _execution_role(self) -> ExecutionRole:
        role = self._credentials(self._definition.execution_role)
        return ExecutionRole(role, endpoint=self._host.endpoint, region=self._host.region)

    def _task_role(self) -> RoleCredentials | None:
        role = self._credentials(self._definition.task_role)
        try:
            if role is not None:
                role.current()
        except RoleError as error:
            raise TaskStartError(str(error)) from error
        return role

    def _read_secrets(self) -> Mapping[str, str]:
        self._check_stop()
        sources = [source for each in self._definition.containers for source in each.secrets.values()]
        return read_secrets(sources, self._role)

    def _find_images(self) -> dict[str, Image]:
        images = Images(self._host.engine, self._role, self._settings.images)
        found: dict[str, Image] = {}
        for each in self._definition.containers:
            self._check_stop()
            if each.image not in found:
                found[each.image] = images.find(each.image, self._definition.architecture)
        return found

    def _create_folder(self) -> Path:
        self._check_stop()
        folder = self._host.folder / self._launch.task_id
        folder.mkdir(mode=0o700, parents=True)
        self._cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _enter_namespace(self, folder: Path) -> TaskNamespace:
        namespace = TaskNamespace(
            self._host.engine,
            self._host.network,
            self._host.forwarder,
            folder=folder,
            # A port that the task listens on is its own.
            ports=[each for each in self._settings.host_ports if each not in self._definition.ports],
            metadata_port=self._metadata_port,
            image=self._settings.relay_image,
            # No container can have this name: it has a dot.
            name=f"{name_of(self._launch.task_id)}.relay",
            labels=self._labels("relay"),
        )
        self._remove_later(namespace.close)
        return namespace

    def _create_volumes(self) -> dict[str, str]:
        """Create the task's volumes; return the engine's name of each.

        The engine fills a new volume with what the image has at its path, owner and mode included.
        """
        names = {each: f"{name_of(self._launch.task_id)}-{each}" for each in self._definition.volumes}
        for name in names.values():
            volume = self._host.engine.volumes.create(name, labels={DEPLOYMENT_LABEL: self._host.deployment})
            self._remove_later(volume.remove)
        return names

    def _create(self, definition: ContainerDefinition) -> TaskContainer:
        name = f"{definition.name}/{self._launch.task_id}"
        logs = None
        if definition.log_options is not None:
            logs = LogStream(definition.log_options, name, role=self._role, log=self._host.log)
            self._cleanup.callback(logs.close)
        image = self._images[definition.image]
        engine_container = self._host.engine.containers.create(
            str(image.id),
            self._launch.commands.get(definition.name) or definition.command,
            name=f"{name_of(self._launch.task_id)}-{definition.name}",
            healthcheck=health_check_of(definition),
            **self._options(definition),
        )
        self._remove_later(partial(engine_container.remove, force=True, v=True))
        return TaskContainer(definition, image, engine_container, logs)

    def _options(self, definition: ContainerDefinition) -> dict[str, Any]:
        options = options_of(definition, self._definition, volumes=self._volumes, processors=self._host.processors)
        return {
            **options,
            "volumes": {**options["volumes"], **self._write_files(definition.name)},
            "environment": self._environment(definition),
            "labels": {**definition.labels, **self._labels(definition.name)},
            "network_mode": self.namespace.mode,
        }

    def _write_files(self, container: str) -> dict[str, dict[str, str]]:
        """Write the settings' files for a container; return the engine's form of their mounts."""
        mounts = {}
        for number, (path, text) in enumerate(self._settings.files.get(container, {}).items()):
            file = self._folder / f"{container}.{number}"
            file.write_text(text, encoding="utf-8")
            # The folder is its owner's alone, the container's user may be another.
            file.chmod(0o644)
            mounts[str(file)] = {"bind": path, "mode": "ro"}
        return mounts

    def _environment(self, definition: ContainerDefinition) -> dict[str, str]:
        """Return the environment: Fargate's, the definition's, the launch's, and this machine's settings last."""
        settings = self._settings.environment
        return {
            "AWS_EXECUTION_ENV": EXECUTION_ENVIRONMENT,
            "AWS_REGION": self._host.region,
            "AWS_DEFAULT_REGION": self._host.region,
            **self._metadata.variables(definition.name),
            **definition.environment,
            **{variable: self._secrets[source] for variable, source in definition.secrets.items()},
            **self._launch.environment.get(definition.name, {}),
            **settings.get(EVERY_CONTAINER, {}),
            **settings.get(definition.name, {}),
        }

    def _remove_later(self, removal: Callable[[], object]) -> None:
        """Remove an object of the engine in the end; an engine that does not respond keeps it as a leftover."""

        def attempt() -> None:
            try:
                remove(removal)
            except ENGINE_ERRORS as error:
                self._host.log(f"a part of task {self._launch.task_id} could not be removed: {explanation(error)}")

        self._cleanup.callback(attempt)


def _settings(path: Path) -> AgentSettings:
    try:
        return AgentSettings.load(path)
    except OSError as error:
        raise TaskStartError(f"ResourceInitializationError: the agent has no settings: {error}") from error


def _definition(launch: Launch) -> TaskDefinition:
    if reasons := violations(launch.definition):
        raise TaskStartError(f"ClientException: the task definition is refused: {'; '.join(reasons)}")
    return parse(launch.definition)
