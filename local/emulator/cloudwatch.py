"""Let stacks hold composite alarms. Source: CloudFormation template reference, AWS::CloudWatch::CompositeAlarm."""

from __future__ import annotations

from typing import Final

from ministack.services import cloudwatch

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import ResourceType, add_resource_type, arn, new_id


def install() -> None:
    """Register the composite alarm; the service itself is ministack's."""
    add_resource_type(COMPOSITE_ALARM)


def _create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
    name = properties.get("AlarmName") or f"{stack}-{logical_id}-{new_id('', 12).upper()}"
    return name, _put(name, properties)


def _put(name: str, properties: Json) -> Json:
    request = {**properties, "AlarmName": name}
    request["ActionsEnabled"] = str(properties.get("ActionsEnabled", True)).lower() == "true"
    status, _, body = cloudwatch._put_composite_alarm({}, request, is_cbor=False, is_json=True)
    if status != 200:  # noqa: PLR2004 (HTTP's own number)
        raise ServiceError("ValidationError", f"composite alarm {name}: {body.decode()}")
    return {"Arn": arn("cloudwatch", f"alarm:{name}")}


def _delete(name: str, _properties: Json) -> None:
    cloudwatch._composite_alarms.pop(name, None)


COMPOSITE_ALARM: Final = ResourceType(
    name="AWS::CloudWatch::CompositeAlarm",
    create=_create,
    update=_put,
    delete=_delete,
    create_only=("AlarmName",),
)
