"""Run tasks by the agent, and see what it reports."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from local.containers.agent import ContainerAgent
from local.containers.launch import ContainerReport, Credentials, Launch
from local.containers.settings import AgentSettings

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

REGION = "us-east-1"
SECONDS = 90.0
"""Patience, on a machine that does other things beside."""
Client = Any
"""A boto3 client of any service: the stubs have a type for each one."""
Document = Any
Commands = Mapping[str, list[str]]
Variables = Mapping[str, Mapping[str, str]]
NONE: Mapping[str, Any] = {}
ACCOUNT = "000000000000"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/main"
EXECUTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/task"
LOG_GROUP = "containers"
LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": LOG_GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": "web"},
}
OBEDIENT = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('up'); time.sleep(600)"
)
"""Ends at SIGTERM, which Python, as the first process of a container, would ignore."""


def assume_role(role: str, session: str) -> Credentials:
    """The emulator takes a key of twelve digits as the account."""
    return Credentials(ACCOUNT, f"secret of {role}", f"token of {session}", time.time() + 3600)


@dataclass
class RecordedReports:
    """What the agent has reported, in its order."""

    events: list[tuple[str, Any]] = field(default_factory=list)
    containers: dict[str, ContainerReport] = field(default_factory=dict)
    changed: Condition = field(default_factory=Condition)

    def _add(self, name: str, value: object = None) -> None:
        with self.changed:
            self.events.append((name, value))
            self.changed.notify_all()

    def activating(self) -> None:
        self._add("activating")

    def address(self, ip: str) -> None:
        self._add("address", ip)

    def container(self, report: ContainerReport) -> None:
        self.containers[report.name] = report
        self._add("container", report)

    def running(self) -> None:
        self._add("running")

    def health(self, status: str) -> None:
        self._add("health", status)

    def stopping(self, reason: str, stop_code: str) -> None:
        self._add("stopping", (stop_code, reason))

    def stopped(self) -> None:
        self._add("stopped")

    def all(self, name: str) -> list[Any]:
        return [value for each, value in self.events if each == name]

    def wait(self, condition: Callable[[], object], seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.events
            with self.changed:
                self.changed.wait(0.1)

    def until(self, name: str, value: object = None, seconds: float = SECONDS) -> None:
        """Wait for a report, with this value if one is given; not longer than the task lasts."""
        self.wait(lambda: any(each == name and value in (None, given) for each, given in self.events), seconds)

    @property
    def stop(self) -> tuple[str, str]:
        """The stop code and the reason."""
        [found] = self.all("stopping")
        code, reason = found
        return str(code), str(reason)


@dataclass
class RunningTask:
    launch: Launch
    reports: RecordedReports
    thread: Thread
    agent: ContainerAgent
    engine: DockerClient

    def stop(self, drain_seconds: float = 0) -> None:
        self.agent.stop(self.launch.task_arn, drain_seconds=drain_seconds)

    def until_ended(self, seconds: float = SECONDS) -> RecordedReports:
        self.reports.until("stopped", seconds=seconds)
        self.thread.join(5)
        assert not self.thread.is_alive()
        return self.reports

    def container(self, name: str) -> Container:
        return self.engine.containers.get(self.reports.containers[name].runtime_id)

    def until_output(self, name: str, text: str = "up") -> None:
        """Wait until a container has written a text."""
        self.reports.wait(
            lambda: name in self.reports.containers and self.reports.containers[name].last_status != "PENDING"
        )
        deadline = time.monotonic() + SECONDS
        while text not in (output := self.container(name).logs().decode()):
            assert time.monotonic() < deadline, output
            time.sleep(0.05)

    def python(self, name: str, program: str) -> str:
        """Run a program in a container; return its output."""
        result = self.container(name).exec_run(["python", "-c", program])
        assert result.exit_code == 0, result.output
        assert isinstance(result.output, bytes)
        return result.output.decode().strip()

    def json(self, name: str, program: str) -> Document:
        return json.loads(self.python(name, program))


@dataclass
class Rig:
    agent: ContainerAgent
    engine: DockerClient
    image: str
    endpoint: str
    settings: AgentSettings
    settings_file: Path
    log: list[str]

    def client(self, service: str) -> Client:
        session = boto3.Session(ACCOUNT, "fake", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload] # any service

    def definition(self, *containers: Mapping[str, Any], **parameters: object) -> dict[str, Any]:
        """Return a task definition; a container's `program` is one of Python."""
        return {
            "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:{uuid4()}",
            "family": "web",
            "revision": 1,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "512",
            "memory": "512",
            "executionRoleArn": EXECUTION_ROLE,
            "taskRoleArn": TASK_ROLE,
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "containerDefinitions": [self._container(each) for each in containers],
            **parameters,
        }

    def _container(self, given: Mapping[str, Any]) -> dict[str, Any]:
        container = {"name": "app", "image": self.image, "essential": True, "stopTimeout": 2, **given}
        program = container.pop("program", OBEDIENT)
        if "command" not in container:
            container["command"] = ["python", "-u", "-c", program]
        return container

    @contextmanager
    def running(
        self, definition: Mapping[str, Any], commands: Commands = NONE, environment: Variables = NONE
    ) -> Iterator[RunningTask]:
        """Run a task in a thread of its own, and stop it in the end."""
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/main/{uuid4().hex}"
        given = Launch(
            task_arn=arn, cluster_arn=CLUSTER, definition=definition, commands=commands, environment=environment
        )
        reports = RecordedReports()
        thread = Thread(target=self.agent.run, args=(given, reports))
        thread.start()
        task = RunningTask(given, reports, thread, self.agent, self.engine)
        try:
            yield task
        finally:
            task.stop()
            thread.join(SECONDS)
        assert not thread.is_alive(), reports.events

    def ended(
        self, definition: Mapping[str, Any], commands: Commands = NONE, environment: Variables = NONE
    ) -> RecordedReports:
        """Run a task that ends by itself; return what was reported."""
        with self.running(definition, commands=commands, environment=environment) as task:
            return task.until_ended()

    def lines(self, stream: str) -> list[str]:
        events = self.client("logs").get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)
        return [each["message"] for each in events["events"]]
