"""Read the facts that X-Ray has. Each function raises botocore's errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from operations.diagnosis.facts import Group
from operations.traces.deployment import Deployment
from operations.traces.trace_ids import xray_trace_id

MARGIN: Final = 300.0
"""Seconds around verify's requests in which their traces are looked for."""


def groups(deployment: Deployment) -> Sequence[Group]:
    """Return the groups."""
    pages = deployment.aws.xray.get_paginator("get_groups").paginate()
    return [
        Group(name=each.get("GroupName", ""), expression=each.get("FilterExpression", ""))
        for page in pages
        for each in page["Groups"]
    ]


def destination(deployment: Deployment) -> str:
    """Return where X-Ray keeps segments: `XRay`, or `CloudWatchLogs` where Transaction Search is on."""
    return deployment.aws.xray.get_trace_segment_destination().get("Destination", "XRay")


def indexed_percent(deployment: Deployment) -> float | None:
    """Return the percentage of traces that Transaction Search indexes."""
    for rule in deployment.aws.xray.get_indexing_rules().get("IndexingRules", []):
        share = rule.get("Rule", {}).get("Probabilistic", {}).get("DesiredSamplingPercentage")
        if share is not None:
            return float(share)
    return None


def shows(deployment: Deployment, expression: str, trace_ids: Sequence[str], since: float) -> bool:
    """Return whether a filter expression matches one of the traces, which began after `since`, in seconds."""
    pages = deployment.aws.xray.get_paginator("get_trace_summaries").paginate(
        StartTime=datetime.fromtimestamp(since - MARGIN, UTC),
        EndTime=datetime.fromtimestamp(since + MARGIN, UTC),
        FilterExpression=expression,
    )
    ids = {xray_trace_id(each) for each in trace_ids}
    return any(summary.get("Id") in ids for page in pages for summary in page.get("TraceSummaries", []))
