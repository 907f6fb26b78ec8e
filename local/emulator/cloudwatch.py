"""Emulate composite alarms and alarms on metric math in CloudFormation stacks.

Source: CloudFormation template reference, AWS::CloudWatch::CompositeAlarm and AWS::CloudWatch::Alarm.
"""

from __future__ import annotations

from typing import Final

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import ResourceType, add_resource_type, arn, new_id

NOT_EVALUATED: Final = "Unchecked: metric math is not evaluated yet, and never while the service runs as a process"
_UNCHECKED: Final = "Unchecked: Initial alarm creation"

_SINGLE_METRIC_FIELDS: Final = {
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
}


def install() -> None:
    """Register the composite alarm and extend ministack's metric alarm."""
    add_resource_type(COMPOSITE_ALARM)
    _support_metric_math()


def _support_metric_math() -> None:
    """Store an alarm on metric math as declared; alarms.py evaluates it where the service runs in containers."""
    original = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Json) -> Json:
        if "Metrics" not in properties:
            metric_alarm: Json = original(name, properties)
            return metric_alarm
        placeholders = {**properties, "MetricName": "placeholder", "Namespace": "placeholder"}
        alarm = original(name, {key: value for key, value in placeholders.items() if key != "Metrics"})
        alarm["Metrics"] = properties["Metrics"]
        if alarm["StateReason"] == _UNCHECKED:
            alarm["StateReason"] = NOT_EVALUATED
        return {key: value for key, value in alarm.items() if key not in _SINGLE_METRIC_FIELDS}

    provisioners._cw_metric_alarm_record = record


def _create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
    name = properties.get("AlarmName") or f"{stack}-{logical_id}-{new_id('', 12).upper()}"
    return name, _put_alarm(name, properties)


def _put_alarm(name: str, properties: Json) -> Json:
    request = {**properties, "AlarmName": name}
    request["ActionsEnabled"] = str(properties.get("ActionsEnabled", True)).lower() == "true"
    status, _, body = cloudwatch._put_composite_alarm({}, request, is_cbor=False, is_json=True)
    if status != 200:  # noqa: PLR2004 - HTTP 200 OK
        raise ServiceError("ValidationError", f"composite alarm {name}: {body.decode()}")
    return {"Arn": arn("cloudwatch", f"alarm:{name}")}


def _delete(name: str, _properties: Json) -> None:
    cloudwatch._composite_alarms.pop(name, None)


COMPOSITE_ALARM: Final = ResourceType(
    name="AWS::CloudWatch::CompositeAlarm",
    create=_create,
    update=_put_alarm,
    delete=_delete,
    create_only=("AlarmName",),
)
