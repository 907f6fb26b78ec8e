"""Validate a task definition: refuse what AWS Fargate refuses, or that needs what the agent does not do.

Whoever can use the engine's socket can take over this machine: by a privileged container, a folder of the machine, its
network or its process ids. So what may be set is listed, and anything else is refused, whatever it means to the engine.
Source: "Amazon ECS task definition differences for Fargate", Amazon ECS Developer Guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from local.containers.definition import COMPLETE, HEALTHY, START, SUCCESS, Json

TASK_PARAMETERS: Final = frozenset(
    {
        "containerDefinitions", "cpu", "ephemeralStorage", "executionRoleArn", "family", "memory", "networkMode",
        "requiresCompatibilities", "runtimePlatform", "tags", "taskRoleArn", "volumes",
        # What registration adds.
        "compatibilities", "deregisteredAt", "registeredAt", "registeredBy", "requiresAttributes", "revision", "status",
        "taskDefinitionArn",
    }
)  # fmt: skip
CONTAINER_PARAMETERS: Final = frozenset(
    {
        "command", "cpu", "dependsOn", "dockerLabels", "entryPoint", "environment", "essential", "healthCheck", "image",
        "linuxParameters", "logConfiguration", "memory", "memoryReservation", "mountPoints", "name", "portMappings",
        "readonlyRootFilesystem", "restartPolicy", "secrets", "startTimeout", "stopTimeout", "ulimits", "user",
        "versionConsistency", "workingDirectory",
    }
)  # fmt: skip
LOG_OPTIONS: Final = frozenset(
    {"awslogs-create-group", "awslogs-group", "awslogs-region", "awslogs-stream-prefix", "max-buffer-size", "mode"}
)
CONDITIONS: Final = frozenset({START, HEALTHY, COMPLETE, SUCCESS})
ADDED_CAPABILITY: Final = "SYS_PTRACE"
FARGATE_REFUSES: Final = frozenset(
    {
        "devices", "disableNetworking", "dnsSearchDomains", "dnsServers", "dockerSecurityOptions",
        "dockerVolumeConfiguration", "extraHosts", "hostname", "inferenceAccelerators", "ipcMode", "links", "maxSwap",
        "placementConstraints", "privileged", "sharedMemorySize", "swappiness", "tmpfs",
    }
)  # fmt: skip


def violations(definition: Json) -> list[str]:
    """Return why the agent does not run this task definition (DescribeTaskDefinition); empty if it does."""
    containers = definition.get("containerDefinitions") or ()
    return [
        *_task_violations(definition),
        *(each for one in containers for each in _container_violations(one, definition)),
    ]


def _task_violations(definition: Json) -> Iterator[str]:
    yield from _unsupported(definition, TASK_PARAMETERS, "")
    if definition.get("networkMode") != "awsvpc":
        yield f"networkMode {definition.get('networkMode')!r}: AWS Fargate only supports 'awsvpc'"
    for name in ("cpu", "memory"):
        if not str(definition.get(name) or "").isdecimal():
            yield f"{name} {definition.get(name)!r}: AWS Fargate requires it for the task, as a number"
    system = (definition.get("runtimePlatform") or {}).get("operatingSystemFamily") or "LINUX"
    if system != "LINUX":
        yield f"runtimePlatform: the agent runs LINUX, not {system}"
    if not _has_order(definition):
        yield "dependsOn: containers that wait for each other never start"
    for volume in definition.get("volumes") or ():
        yield from _unsupported(
            volume, frozenset({"name"}), f"volume {volume.get('name')}: ", {"host": _host_violation(volume)}
        )


def _has_order(definition: Json) -> bool:
    """Return whether the containers can start one after another."""
    waiting = {
        each.get("name"): {other.get("containerName") for other in each.get("dependsOn") or ()}
        for each in definition.get("containerDefinitions") or ()
    }
    while ready := [name for name, others in waiting.items() if not others & waiting.keys()]:
        for name in ready:
            del waiting[name]
    return not waiting


def _host_violation(volume: Json) -> str:
    return "host volumes have no sourcePath in AWS Fargate" if (volume.get("host") or {}).get("sourcePath") else ""


def _container_violations(container: Json, definition: Json) -> Iterator[str]:
    label = f"container {container.get('name')}: "
    yield from _unsupported(container, CONTAINER_PARAMETERS, label)
    linux = container.get("linuxParameters") or {}
    yield from _unsupported(linux, frozenset({"capabilities", "initProcessEnabled"}), f"{label}linuxParameters.")
    for capability in (linux.get("capabilities") or {}).get("add") or ():
        if capability.removeprefix("CAP_") != ADDED_CAPABILITY:
            yield f"{label}capability {capability}: AWS Fargate only adds {ADDED_CAPABILITY}"
    for limit in container.get("ulimits") or ():
        if limit.get("name") != "nofile":
            yield f"{label}ulimit {limit.get('name')}: AWS Fargate only sets nofile"
    yield from (f"{label}{each}" for each in _reference_violations(container, definition))
    yield from (f"{label}{each}" for each in _role_violations(container, definition))


def _reference_violations(container: Json, definition: Json) -> Iterator[str]:
    """Yield what names a container, a condition, a volume or a port that is none."""
    names = {each.get("name") for each in definition["containerDefinitions"]} - {container.get("name")}
    for each in container.get("dependsOn") or ():
        if each.get("containerName") not in names or each.get("condition") not in CONDITIONS:
            yield f"dependsOn {each.get('containerName')} {each.get('condition')} is not possible"
    volumes = {each.get("name") for each in definition.get("volumes") or ()}
    for each in container.get("mountPoints") or ():
        if each.get("sourceVolume") not in volumes:
            yield f"mountPoints names the unknown volume {each.get('sourceVolume')}"
    for each in container.get("portMappings") or ():
        if each.get("hostPort") not in (None, 0, each.get("containerPort")):
            yield f"hostPort {each['hostPort']} differs from containerPort {each.get('containerPort')}"


def _role_violations(container: Json, definition: Json) -> Iterator[str]:
    logs = container.get("logConfiguration") or {}
    if logs and logs.get("logDriver") != "awslogs":
        yield f"log driver {logs.get('logDriver')!r}: the agent has awslogs only"
    elif logs:
        options = logs.get("options") or {}
        yield from _unsupported(options, LOG_OPTIONS, "log option ")
        for name in ("awslogs-group", "awslogs-region", "awslogs-stream-prefix"):
            if not options.get(name):
                yield f"the log option {name} is required"
    if (logs or container.get("secrets")) and not definition.get("executionRoleArn"):
        yield "Fargate requires task definition to have execution role ARN to support log driver awslogs and secrets"


def _unsupported(
    document: Json, supported: frozenset[str], label: str, reasons: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield the parameters that have a value and are not supported; an empty reason excuses one."""
    for name, value in document.items():
        if name in supported or not value:
            continue
        reason = (reasons or {}).get(name)
        if reason is None:
            why = "is not valid in a Fargate task" if name in FARGATE_REFUSES else "is not supported by the local agent"
            reason = f"{name} {why}"
        if reason:
            yield f"{label}{reason}"
