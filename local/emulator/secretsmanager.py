"""Make the `Ref` of a secret its ARN, as on AWS: task definitions and IAM policies reference secrets by ARN."""

from __future__ import annotations

from typing import Any, Final

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from local.emulator.json_api import Json

SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a resource type


def install() -> None:
    """Wrap ministack's secret resource, whose physical id is the name, so that its physical id is the ARN."""
    original = provisioners._RESOURCE_HANDLERS[SECRET]

    def create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
        return _with_arn_as_id(original["create"](logical_id, properties, stack))

    def update(secret: str, old: Json, new: Json, stack: str, logical_id: str | None = None) -> tuple[str, Json]:
        return _with_arn_as_id(original["update"](_name(secret), old, new, stack, logical_id))

    def delete(secret: str, properties: Json) -> None:
        original["delete"](_name(secret), properties)

    provisioners._RESOURCE_HANDLERS[SECRET] = {**original, "create": create, "update": update, "delete": delete}


def _with_arn_as_id(resource: tuple[str, Json]) -> tuple[str, Json]:
    _, attributes = resource
    return attributes["Arn"], attributes


def _name(secret: str) -> Any:  # noqa: ANN401 - ministack publishes no types
    key, _ = secretsmanager._resolve(secret)
    return key or secret
