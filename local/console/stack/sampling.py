"""The sampling rules in the order in which they are tried, and what the service has reported of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from flask_onetrace.contract import Output, Variable
from local.console.stack.source import StackSource, output, readable, timestamp
from operations.traces.deployment import Deployment
from operations.traces.document import Json

if TYPE_CHECKING:
    from mypy_boto3_xray.type_defs import SamplingStatisticSummaryTypeDef

DEFAULT_RULE: Final = "Default"
WINDOW: Final = 10
"""Seconds of one summary ("SamplingStatisticSummary", AWS X-Ray API Reference)."""


def sampling(source: StackSource) -> Json:
    """Return the rules with their counts, and the rule that the service applies while X-Ray's cannot be fetched."""
    deployment = source.deployment()
    xray = deployment.aws.xray
    with readable(source, "X-Ray"):
        records = [
            record
            for page in xray.get_paginator("get_sampling_rules").paginate()
            for record in page["SamplingRuleRecords"]
        ]
        summaries = [
            summary
            for page in xray.get_paginator("get_sampling_statistic_summaries").paginate()
            for summary in page["SamplingStatisticSummaries"]
        ]
    rules = [_rule(record.get("SamplingRule", {}), summaries) for record in records]
    with readable(source, "ECS"):
        local_rule = _local_rule(deployment)
    return {
        "window": WINDOW,
        "rules": sorted(rules, key=lambda each: (each["priority"], each["name"])),
        "local_rule": local_rule,
    }


def _rule(rule: Mapping[str, Any], summaries: list[SamplingStatisticSummaryTypeDef]) -> Json:
    name = rule.get("RuleName", "")
    windows = [
        {
            "at": timestamp(each.get("Timestamp")),
            "matched": each.get("RequestCount", 0),
            # The SDKs differ in whether the recorded requests include the borrowed ones.
            "sampled": min(each.get("RequestCount", 0), each.get("SampledCount", 0) + each.get("BorrowCount", 0)),
        }
        for each in summaries
        if each.get("RuleName") == name
    ]
    return {
        "name": name,
        "priority": rule.get("Priority", 0),
        "rate": rule.get("FixedRate", 0.0),
        "reservoir": rule.get("ReservoirSize", 0),
        "service": rule.get("ServiceName", "*"),
        "service_type": rule.get("ServiceType", "*"),
        "host": rule.get("Host", "*"),
        "method": rule.get("HTTPMethod", "*"),
        "path": rule.get("URLPath", "*"),
        "attributes": rule.get("Attributes", {}),
        "is_fallback": name == DEFAULT_RULE,
        "matched": sum(each["matched"] for each in windows),
        "sampled": sum(each["sampled"] for each in windows),
        "windows": windows,
    }


def _local_rule(deployment: Deployment) -> Json | None:
    """Return the rule in the task definition's variable; None where it has none that can be read."""
    described = deployment.aws.ecs.describe_task_definition(taskDefinition=output(deployment, Output.TASK_DEFINITION))
    for container in described["taskDefinition"].get("containerDefinitions", []):
        for variable in container.get("environment", []):
            if variable.get("name") == Variable.XRAY_SAMPLING_RULE:
                return _parsed(variable.get("value", ""))
    return None


def _parsed(text: str) -> Json | None:
    try:
        rule = json.loads(text)
    except ValueError:
        return None
    return _rule(rule, []) if isinstance(rule, dict) else None
