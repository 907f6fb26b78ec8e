"""The sampling rules in the order in which they are tried, and what the service has reported of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from flask_onetrace.contract import Variable
from local.console.stack.source import StackSource, readable, timestamp
from operations.traces.deployment import Deployment
from operations.traces.document import Json
from operations.traces.sampling import DEFAULT_RULE, Rule, rules
from operations.traces.sink_status import containers

if TYPE_CHECKING:
    from mypy_boto3_xray.type_defs import SamplingStatisticSummaryTypeDef

WINDOW: Final = 10
"""Seconds of one summary ("SamplingStatisticSummary", AWS X-Ray API Reference)."""


def sampling(source: StackSource) -> Json:
    """Return the rules with their counts, and the rule that the service applies while X-Ray's cannot be fetched."""
    deployment = source.deployment()
    with readable(source, "X-Ray"):
        ordered = rules(deployment)
        summaries = [
            summary
            for page in deployment.aws.xray.get_paginator("get_sampling_statistic_summaries").paginate()
            for summary in page["SamplingStatisticSummaries"]
        ]
    local_rule = _local_rule(deployment)
    return {
        "window": WINDOW,
        "rules": [_row(rule, summaries) for rule in ordered],
        "local_rule": None if local_rule is None else _row(local_rule, []),
    }


def _row(rule: Rule, summaries: list[SamplingStatisticSummaryTypeDef]) -> Json:
    windows = [
        {
            "at": timestamp(each.get("Timestamp")),
            "matched": each.get("RequestCount", 0),
            # The SDKs differ in whether the recorded requests include the borrowed ones.
            "sampled": min(each.get("RequestCount", 0), each.get("SampledCount", 0) + each.get("BorrowCount", 0)),
        }
        for each in summaries
        if each.get("RuleName") == rule.name
    ]
    return {
        "name": rule.name,
        "priority": rule.priority,
        "rate": rule.fixed_rate,
        "reservoir": rule.reservoir,
        "service": rule.service,
        "service_type": rule.service_type,
        "host": rule.host,
        "method": rule.method,
        "path": rule.path,
        "attributes": rule.attributes,
        "is_fallback": rule.name == DEFAULT_RULE,
        "matched": sum(each["matched"] for each in windows),
        "sampled": sum(each["sampled"] for each in windows),
        "windows": windows,
    }


def _local_rule(deployment: Deployment) -> Rule | None:
    """Return the rule in the variable of the task definition that runs; None where it has none that can be read."""
    for container in containers(deployment):
        for variable in container.get("environment", []):
            if variable.get("name") == Variable.XRAY_SAMPLING_RULE:
                return _parsed(variable.get("value", ""))
    return None


def _parsed(text: str) -> Rule | None:
    try:
        return Rule.of(json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return None
