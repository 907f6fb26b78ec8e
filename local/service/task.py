"""Describe one container of a task definition as plain data, independent of what runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from operations.errors import OperatorError

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef, TaskDefinitionTypeDef

ARN_FIELDS: Final = 7
"""Colon-separated fields of a secret's ARN, which a JSON key, a version stage and a version id may follow ("Pass
Secrets Manager secrets through Amazon ECS environment variables", Amazon ECS Developer Guide)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """The environment of one container of one revision. `secrets` maps each variable to its `valueFrom`."""

    task_definition: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str]


def container_spec(definition: TaskDefinitionTypeDef, container: str) -> TaskSpec:
    """Return the spec of `container`. Raises `OperatorError` if the definition has no such container."""
    by_name = {each.get("name", ""): each for each in definition.get("containerDefinitions", [])}
    arn = definition.get("taskDefinitionArn", "")
    if container not in by_name:
        raise OperatorError(
            f"Task definition {arn} has no container {container!r}, only {', '.join(by_name) or 'none'}",
            "Check that `service_name` in onetrace.toml is the deployed one, or run make up again",
        )
    return _spec(arn, by_name[container])


def _spec(arn: str, definition: ContainerDefinitionOutputTypeDef) -> TaskSpec:
    return TaskSpec(
        task_definition=arn,
        environment={pair.get("name", ""): pair.get("value", "") for pair in definition.get("environment", [])},
        secrets={secret["name"]: secret["valueFrom"] for secret in definition.get("secrets", [])},
    )


@dataclass(frozen=True, slots=True)
class ResolvedTask:
    """A spec with its complete environment, secrets included. `repr` omits the values."""

    spec: TaskSpec
    environment: Mapping[str, str] = field(repr=False)


def resolve(spec: TaskSpec, read_secret: Callable[[str], str]) -> ResolvedTask:
    """Resolve the secrets: `read_secret` takes an ARN or a name. Raises `OperatorError` for a part of a secret."""
    secrets = {variable: read_secret(_whole_secret(variable, source)) for variable, source in spec.secrets.items()}
    return ResolvedTask(spec, {**spec.environment, **secrets})


def _whole_secret(variable: str, source: str) -> str:
    fields = source.split(":")
    if source.startswith("arn:") and any(fields[ARN_FIELDS:]):
        raise OperatorError(
            f"{variable} names a part or a version of a secret: {source}",
            "Use a whole secret: the local mode resolves no JSON keys and no versions",
        )
    return ":".join(fields[:ARN_FIELDS]) if source.startswith("arn:") else source
