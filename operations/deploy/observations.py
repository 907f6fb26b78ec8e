"""Collect what AWS reports of a deploy while it runs: some of it is gone when the deploy has failed.

CloudFormation rolls a first deploy back by deleting the service, its cluster and the log group of its containers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from infra.names import Names
from operations.deploy import alarms, container_output, services, stacks, stopped_tasks
from operations.deploy.alarms import FiringAlarm
from operations.deploy.clients import Clients
from operations.deploy.reader import Reader
from operations.deploy.services import Deployment, Service, ServiceEvent
from operations.deploy.stopped_tasks import Container, StoppedTask
from operations.deploy.task_definitions import TaskDefinitions, revision


@dataclass
class Observations:
    """What was seen since the deploy's start, by id or name; nothing is forgotten."""

    events: dict[str, ServiceEvent] = field(default_factory=dict)
    tasks: dict[str, StoppedTask] = field(default_factory=dict)
    alarms: dict[str, FiringAlarm] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """By the ARN of the task definition."""

    def version(self, task_definition: str) -> str:
        """Return the version of a task definition, else its revision's name."""
        return self.versions.get(task_definition) or revision(task_definition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """What `Observer.poll` calls for whatever it sees for the first time."""

    event: Callable[[ServiceEvent], None]
    task: Callable[[StoppedTask], None]
    alarm: Callable[[FiringAlarm], None]


class Observer:
    """Reads the environment's services. Not thread-safe: one thread polls at a time."""

    def __init__(
        self, clients: Clients, reader: Reader, names: Names, *, since: datetime, callbacks: Callbacks
    ) -> None:
        self.observations = Observations()
        self.since = since
        self._clients = clients
        self._reader = reader
        self._names = names
        self._callbacks = callbacks
        self._definitions = TaskDefinitions(clients.ecs, names.application.container_name)
        self._cluster: str | None = None

    def poll(self) -> None:
        """Read events, stopped tasks, what they printed, and alarms once. Never raises."""
        self._reader.protect("the service", self._poll, None)

    def _poll(self) -> None:
        cloudformation, ecs = self._clients.cloudformation, self._clients.ecs
        name = self._reader.read("the stack's cluster", lambda: stacks.cluster_name(cloudformation, self._names), None)
        # A rollback deletes it.
        self._cluster = name or self._cluster
        if (cluster := self._cluster) is None:
            return
        none: list[Service] = []
        for service in self._reader.read("the cluster's services", lambda: services.services_of(ecs, cluster), none):
            self._reader.protect("service events", partial(self._record_events, service), None)
            self._record_tasks(service)
            self._record_alarms(service)

    def read_output_again(self) -> None:
        """Read what the newest tasks printed once more: a log driver delivers the last lines after the end."""
        for group in stopped_tasks.grouped(self.observations.tasks.values()):
            task = self._with_output(group[-1])
            old = self.observations.tasks[task.id]
            # The log group may be gone by now.
            pairs = zip(old.containers, task.containers, strict=True)
            longer = tuple(max(pair, key=lambda each: len(each.output)) for pair in pairs)
            self.observations.tasks[task.id] = old._replace(containers=longer)

    def _record_events(self, service: Service) -> None:
        for deployment in service.deployments:
            self.observations.deployments[deployment.id] = deployment
            self._record_version(deployment.task_definition)
        for event in reversed(service.events):  # ECS lists the newest first
            if event.at >= self.since and event.id not in self.observations.events:
                self.observations.events[event.id] = event
                self._callbacks.event(event)

    def _record_tasks(self, service: Service) -> None:
        ecs, none = self._clients.ecs, list[StoppedTask]()
        # One that is still stopping is read again, and reported once it has stopped.
        known = {id_ for id_, task in self.observations.tasks.items() if task.is_final}
        for task in self._reader.read(
            "stopped tasks",
            lambda: stopped_tasks.stopped_tasks(ecs, service.cluster, service.name, since=self.since, known=known),
            none,
        ):
            self._record_version(task.task_definition)
            self.observations.tasks[task.id] = self._with_output(task)
            if task.is_final:
                self._callbacks.task(self.observations.tasks[task.id])

    def _record_alarms(self, service: Service) -> None:
        cloudwatch, none = self._clients.cloudwatch, list[FiringAlarm]()
        for alarm in self._reader.read("alarms", lambda: alarms.firing_alarms(cloudwatch, service.alarms), none):
            if alarm.name not in self.observations.alarms:
                self.observations.alarms[alarm.name] = alarm
                self._callbacks.alarm(alarm)

    def _record_version(self, task_definition: str) -> None:
        if task_definition not in self.observations.versions:
            version = self._reader.read("task definitions", lambda: self._definitions.version(task_definition), "")
            if version:
                self.observations.versions[task_definition] = version

    def _with_output(self, task: StoppedTask) -> StoppedTask:
        none: list[dict[str, object]] = []
        definitions = self._reader.read(
            "task definitions", lambda: self._definitions.containers(task.task_definition), none
        )
        by_name = {each.get("name"): each for each in definitions}

        def with_output(container: Container) -> Container:
            read = partial(container_output.last_lines, self._clients.logs, by_name.get(container.name, {}), task.id)
            return container._replace(output=self._reader.read("container output", read, ()))

        return task._replace(containers=tuple(map(with_output, task.containers)))
