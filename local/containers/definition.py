"""The parts of a task definition that the agent acts on, with the defaults of Amazon ECS on Fargate.

Source: "Amazon ECS task definition parameters for Fargate", Amazon ECS Developer Guide. Others are refused
(validation.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Json = Mapping[str, Any]

CPU_UNITS_PER_VCPU: Final = 1024
MIN_CPU_SHARES: Final = 2
"""What a container without CPU units gets, so that one that has some goes first ("cpu", same page)."""
DEFAULT_STOP_SECONDS: Final = 30
MAX_STOP_SECONDS: Final = 120
DEFAULT_START_SECONDS: Final = 180
"""How long a container waits for those that it depends on ("startTimeout", same page)."""
DEFAULT_RESTART_SECONDS: Final = 300
"""How long a container has to run before it is restarted (ContainerRestartPolicy, Amazon ECS API reference)."""

START, HEALTHY, COMPLETE, SUCCESS = "START", "HEALTHY", "COMPLETE", "SUCCESS"
"""The conditions of `dependsOn`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """Durations are in seconds."""

    test: Sequence[str]
    interval: int = 30
    timeout: int = 5
    retries: int = 3
    start_period: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """Restart a container in place; `period` is in seconds."""

    ignored_exit_codes: frozenset[int]
    period: int

    def permits(self, exit_code: int | None, ran_seconds: float) -> bool:
        """Return whether a container with this exit code, that has run so long, is restarted."""
        return exit_code not in self.ignored_exit_codes and ran_seconds >= self.period


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of the task in a container."""

    volume: str
    path: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDefinition:
    """One container. Memory is in MiB, `cpu` in CPU units, durations are in seconds."""

    name: str
    image: str
    essential: bool
    command: list[str] | None
    entry_point: list[str] | None
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """The `valueFrom` of each variable."""
    user: str
    working_directory: str
    read_only: bool
    cpu: int
    memory: int | None
    memory_reservation: int | None
    open_files: tuple[int, int] | None
    """Soft and hard limit; without one, the engine's own."""
    init: bool
    added_capabilities: Sequence[str]
    dropped_capabilities: Sequence[str]
    labels: Mapping[str, str]
    mounts: Sequence[Mount]
    dependencies: Mapping[str, str]
    """The condition of each container that this one waits for."""
    health_check: HealthCheck | None
    restart_policy: RestartPolicy | None
    start_timeout: int
    stop_timeout: int
    log_options: Mapping[str, str] | None
    """Of the awslogs driver; None where the output goes nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """One revision. Memory is in MiB, `cpu` in CPU units."""

    arn: str
    family: str
    revision: str
    cpu: int
    memory: int
    architecture: str
    task_role: str | None
    execution_role: str | None
    volumes: Sequence[str]
    containers: Sequence[ContainerDefinition]
    ports: Collection[int]
    """That its containers listen on."""
    document: Json = field(repr=False)


def parse(document: Json) -> TaskDefinition:
    """Return the definition of a DescribeTaskDefinition, which has no `violations`."""
    return TaskDefinition(
        arn=document.get("taskDefinitionArn", ""),
        family=document.get("family", ""),
        revision=str(document.get("revision", "")),
        cpu=int(document["cpu"]),
        memory=int(document["memory"]),
        architecture=(document.get("runtimePlatform") or {}).get("cpuArchitecture") or "X86_64",
        task_role=document.get("taskRoleArn") or None,
        execution_role=document.get("executionRoleArn") or None,
        volumes=[each["name"] for each in document.get("volumes") or ()],
        containers=[_container(each) for each in document["containerDefinitions"]],
        ports={
            int(port["containerPort"])
            for each in document["containerDefinitions"]
            for port in each.get("portMappings") or ()
        },
        document=document,
    )


def _container(document: Json) -> ContainerDefinition:
    linux = document.get("linuxParameters") or {}
    capabilities = linux.get("capabilities") or {}
    return ContainerDefinition(
        name=document["name"],
        image=document["image"],
        essential=bool(document.get("essential", True)),
        command=document.get("command") or None,
        entry_point=document.get("entryPoint") or None,
        environment={each["name"]: each.get("value", "") for each in document.get("environment") or ()},
        secrets={each["name"]: each["valueFrom"] for each in document.get("secrets") or ()},
        user=str(document.get("user") or ""),
        working_directory=document.get("workingDirectory") or "",
        read_only=bool(document.get("readonlyRootFilesystem")),
        cpu=int(document.get("cpu") or 0),
        memory=_integer(document, "memory"),
        memory_reservation=_integer(document, "memoryReservation"),
        open_files=_open_files(document),
        init=bool(linux.get("initProcessEnabled")),
        added_capabilities=capabilities.get("add") or (),
        dropped_capabilities=capabilities.get("drop") or (),
        labels=document.get("dockerLabels") or {},
        mounts=[_mount(each) for each in document.get("mountPoints") or ()],
        dependencies={each["containerName"]: each["condition"] for each in document.get("dependsOn") or ()},
        health_check=_health_check(document.get("healthCheck")),
        restart_policy=_restart_policy(document.get("restartPolicy")),
        start_timeout=int(document.get("startTimeout") or DEFAULT_START_SECONDS),
        stop_timeout=min(int(document.get("stopTimeout") or DEFAULT_STOP_SECONDS), MAX_STOP_SECONDS),
        log_options=(document.get("logConfiguration") or {}).get("options"),
    )


def _integer(document: Json, name: str) -> int | None:
    return int(document[name]) if document.get(name) else None


def _open_files(document: Json) -> tuple[int, int] | None:
    for each in document.get("ulimits") or ():
        return int(each["softLimit"]), int(each["hardLimit"])
    return None


def _mount(document: Json) -> Mount:
    return Mount(document["sourceVolume"], document["containerPath"], bool(document.get("readOnly")))


def _health_check(document: Json | None) -> HealthCheck | None:
    if not document:
        return None
    names = {"interval": "interval", "timeout": "timeout", "retries": "retries", "startPeriod": "start_period"}
    given = {ours: int(document[theirs]) for theirs, ours in names.items() if document.get(theirs)}
    return HealthCheck(test=document["command"], **given)


def _restart_policy(document: Json | None) -> RestartPolicy | None:
    if not document or not document.get("enabled"):
        return None
    return RestartPolicy(
        ignored_exit_codes=frozenset(map(int, document.get("ignoredExitCodes") or ())),
        period=int(document.get("restartAttemptPeriod") or DEFAULT_RESTART_SECONDS),
    )
