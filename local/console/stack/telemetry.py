"""Log groups, X-Ray groups and alarms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flask_onetrace.contract import Output
from local.console.stack.source import StackSource, readable, timestamp
from operations.traces.deployment import Deployment
from operations.traces.document import Json

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

LOG_GROUP: Final = "AWS::Logs::LogGroup"
MARKDOWN_LINK: Final = re.compile(r"\[([^\]]*)\]\(\S*\)")
OPERATORS: Final = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}


def log_groups(source: StackSource) -> Json:
    """Return the log groups of both stacks; of one that was deleted since, its name alone."""
    deployment = source.deployment()
    with readable(source, "CloudWatch Logs"):
        names = sorted(_log_group_names(deployment))
        pages = deployment.aws.logs.get_paginator("describe_log_groups").paginate()
        groups = {each["logGroupName"]: each for page in pages for each in page["logGroups"]}
    return {
        "log_groups": [
            {
                "name": name,
                "exists": name in groups,
                "retention_days": groups.get(name, {}).get("retentionInDays"),
                "stored_bytes": groups.get(name, {}).get("storedBytes"),
                "metric_filters": groups.get(name, {}).get("metricFilterCount"),
                "is_service": name == deployment.outputs.get(Output.LOG_GROUP),
            }
            for name in names
        ]
    }


def _log_group_names(deployment: Deployment) -> Iterable[str]:
    names = deployment.names
    for stack in (names.service_stack, names.observability_stack):
        pages = deployment.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        for page in pages:
            for each in page["StackResourceSummaries"]:
                if each["ResourceType"] == LOG_GROUP:
                    yield each.get("PhysicalResourceId", "")


def xray_groups(source: StackSource) -> Json:
    """Return the X-Ray groups with their filter expressions."""
    deployment = source.deployment()
    with readable(source, "X-Ray"):
        pages = deployment.aws.xray.get_paginator("get_groups").paginate()
        groups = [each for page in pages for each in page["Groups"]]
    return {
        "groups": [
            {
                "name": each.get("GroupName", ""),
                "filter": each.get("FilterExpression", ""),
                "insights": each.get("InsightsConfiguration", {}).get("InsightsEnabled", False),
            }
            for each in sorted(groups, key=lambda each: each.get("GroupName", ""))
        ]
    }


def alarms(source: StackSource) -> Json:
    """Return the alarms, those that fire first."""
    deployment = source.deployment()
    with readable(source, "CloudWatch"):
        pages = deployment.aws.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{deployment.names.prefix}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        described = list(pages)
    rows = [_alarm(each) for page in described for each in page.get("MetricAlarms", [])]
    rows += [
        _base(each) | {"condition": each.get("AlarmRule", "")}
        for page in described
        for each in page.get("CompositeAlarms", [])
    ]
    order = {"ALARM": 0, "INSUFFICIENT_DATA": 1, "OK": 2}
    return {"alarms": sorted(rows, key=lambda each: (order.get(each["state"], 3), each["name"]))}


def _alarm(alarm: MetricAlarmTypeDef) -> Json:
    labels = [each.get("Label") or each.get("Id") for each in alarm.get("Metrics", []) if each.get("ReturnData", True)]
    metric = alarm.get("MetricName") or ", ".join(map(str, labels))
    period = alarm.get("Period") or next(
        (each["MetricStat"]["Period"] for each in alarm.get("Metrics", []) if "MetricStat" in each), 60
    )
    operator = OPERATORS.get(alarm.get("ComparisonOperator", ""), alarm.get("ComparisonOperator", ""))
    evaluated = alarm.get("EvaluationPeriods", 1)
    condition = (
        f'"{metric}" {operator} {alarm.get("Threshold", 0):g} in {alarm.get("DatapointsToAlarm", evaluated)} of '
        f"{evaluated} periods of {period} s"
    )
    return _base(alarm) | {"condition": condition}


def _base(alarm: Mapping[str, Any]) -> Json:
    return {
        "name": alarm.get("AlarmName", ""),
        "state": alarm.get("StateValue", ""),
        "reason": alarm.get("StateReason", ""),
        "since": timestamp(alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")),
        # The links lead to AWS's console.
        "description": MARKDOWN_LINK.sub(r"\1", alarm.get("AlarmDescription", "")),
    }
