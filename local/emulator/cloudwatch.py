"""Let stacks hold composite alarms, and alarms on metric math.

Source: CloudFormation template reference, AWS::CloudWatch::CompositeAlarm and AWS::CloudWatch::Alarm.
"""

from __future__ import annotations

from typing import Final

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import ResourceType, add_resource_type, arn, new_id

_OF_ONE_METRIC: Final = {"MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit"}


def install() -> None:
    """Register the composite alarm, and extend the plain one; the service itself is ministack's."""
    add_resource_type(COMPOSITE_ALARM)
    _hold_metric_math()


def _hold_metric_math() -> None:
    """Keep an alarm on metric math as it is declared. It is never evaluated: its state says that it knows nothing."""
    theirs = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Json) -> Json:
        if "Metrics" not in properties:
            plain: Json = theirs(name, properties)
            return plain
        of_one_metric = {**properties, "MetricName": "of many", "Namespace": "of many"}
        alarm = theirs(name, {key: value for key, value in of_one_metric.items() if key != "Metrics"})
        alarm |= {"Metrics": properties["Metrics"], "StateReason": "Not emulated: metric math is not evaluated"}
        return {key: value for key, value in alarm.items() if key not in _OF_ONE_METRIC}

    provisioners._cw_metric_alarm_record = record


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
