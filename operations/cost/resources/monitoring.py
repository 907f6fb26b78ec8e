"""Price alarms, scaling policies and dashboards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.templates import Resource

_ALARMS: Final = 2
"""That each target tracking policy creates: one to scale out and one to scale in ("Target tracking scaling policies",
Application Auto Scaling User Guide)."""
_HIGH_RESOLUTION: Final = 60
"""Seconds of a period below which an alarm has high resolution ("Amazon CloudWatch pricing")."""
_BAND: Final = "ANOMALY_DETECTION_BAND"
_ANOMALY_METRICS: Final = 3
"""The metric and the bounds of its band ("Amazon CloudWatch pricing")."""


def alarm(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the metrics that an alarm reads, each of which is billed ("Amazon CloudWatch pricing")."""
    metrics = resource.records("Metrics")
    stats = [each["MetricStat"] for each in metrics if isinstance(each.get("MetricStat"), Mapping)]
    expressions = [str(each.get("Expression", "")) for each in metrics]
    if not metrics:
        stats = [resource.properties]
    if any(each.lstrip().upper().startswith("SELECT") for each in expressions):
        context.notes.leave_out(f"Metrics that the query of {resource.logical_id} reads: their number changes.")
    count = len(stats) * (_ANOMALY_METRICS if any(_BAND in each for each in expressions) else 1)
    periods = [context.reader.amount(resource, "Period", each.get("Period"), _HIGH_RESOLUTION) for each in stats]
    is_fast = any(each < _HIGH_RESOLUTION for each in periods)
    key = "alarm-high-resolution-month" if is_fast else "alarm-month"
    yield context.monthly(resource, "Alarm metrics", key, count, "metric")


def composite_alarm(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield a composite alarm ("Amazon CloudWatch pricing")."""
    yield context.monthly(resource, "Composite alarms", "composite-alarm-month", 1, "alarm")


def scaling_policy(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the alarms of a target tracking policy."""
    if resource.get("PolicyType") == "TargetTrackingScaling":
        yield context.monthly(resource, "Alarm metrics", "alarm-month", _ALARMS, "alarm")


def dashboard(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield a dashboard ("Amazon CloudWatch pricing")."""
    yield context.monthly(resource, "Dashboards", "dashboard-month", 1, "dashboard")
