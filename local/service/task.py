"""Say what the deployed task definition says of one container: data alone, whatever will run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from local.workspace.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef, TaskDefinitionTypeDef

ARN_FIELDS: Final = 7
"""Of a secret's ARN; ECS lets a JSON key, a version stage and a version id follow ("Pass Secrets Manager secrets
through Amazon ECS environment variables", Amazon ECS Developer Guide)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One container of one revision. `secrets` maps a variable to what ECS calls `valueFrom`."""

    task_definition: str
    container: str
    image: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    stop_timeout: int | None


def container_spec(definition: TaskDefinitionTypeDef, container: str) -> TaskSpec:
    """Return the spec of `container`; raises `LocalError` when the definition has none of that name."""
    by_name = {each.get("name", ""): each for each in definition.get("containerDefinitions", [])}
    arn = definition.get("taskDefinitionArn", "")
    if container not in by_name:
        raise LocalError(
            f"Task definition {arn} has no container {container!r}, only {', '.join(by_name) or 'none'}",
            "Name the service's container as service/contract.py does",
        )
    return _spec(arn, by_name[container])


def _spec(arn: str, definition: ContainerDefinitionOutputTypeDef) -> TaskSpec:
    return TaskSpec(
        task_definition=arn,
        container=definition.get("name", ""),
        image=definition.get("image", ""),
        environment={pair.get("name", ""): pair.get("value", "") for pair in definition.get("environment", [])},
        secrets={secret["name"]: secret["valueFrom"] for secret in definition.get("secrets", [])},
        stop_timeout=definition.get("stopTimeout"),
    )


@dataclass(frozen=True, slots=True)
class ResolvedTask:
    """A spec with its environment complete, as ECS hands it to the container. The values stay out of `repr`."""

    spec: TaskSpec
    environment: Mapping[str, str] = field(repr=False)


def resolve(spec: TaskSpec, read_secret: Callable[[str], str]) -> ResolvedTask:
    """Fill in the secrets; `read_secret` gets the secret's ARN or name. Raises `LocalError` for a part of a secret."""
    filled = {variable: read_secret(_whole_secret(variable, source)) for variable, source in spec.secrets.items()}
    return ResolvedTask(spec, {**spec.environment, **filled})


def _whole_secret(variable: str, source: str) -> str:
    fields = source.split(":")
    if source.startswith("arn:") and any(fields[ARN_FIELDS:]):
        raise LocalError(
            f"{variable} names a part or a version of a secret: {source}", "Only whole secrets are resolved here"
        )
    return ":".join(fields[:ARN_FIELDS]) if source.startswith("arn:") else source
