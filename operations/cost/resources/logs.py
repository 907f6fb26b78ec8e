"""Price log groups and metric filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask_onetrace.contract import THREADS_LOGGER
from operations.cost import telemetry
from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.money import percent
from operations.cost.templates import Resource
from operations.cost.units import GIB, HOURS

_COMPRESSED: Final = 0.15
"""Of a stored byte, which is billed compressed ("Storage compression factor", AWS Pricing Calculator)."""
_MONTH_DAYS: Final = HOURS / 24
_KEPT_DAYS: Final = 365.0
"""For which a group is priced that keeps its lines forever."""


def log_group(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield ingestion and storage of a log group ("Amazon CloudWatch pricing")."""
    size, source = _ingested(context, resource)
    if not size:
        return
    gigabytes = size / GIB
    is_infrequent = resource.get("LogGroupClass") == "INFREQUENT_ACCESS"
    yield context.item(
        resource,
        "Log ingestion",
        "logs-infrequent-ingestion-gb" if is_infrequent else "logs-ingestion-gb",
        gigabytes,
        source,
        by_traffic=True,
    )
    if resource.get("RetentionInDays") is None:
        context.notes.assume(f"{resource.logical_id} keeps its lines forever: it is priced after {_KEPT_DAYS:g} days.")
    days = context.reader.number(resource, "RetentionInDays", default=_KEPT_DAYS)
    context.notes.assume(
        f"Log groups hold the lines of their whole retention, compressed to {percent(_COMPRESSED)} of their bytes (AWS "
        "Pricing Calculator)."
    )
    yield context.item(
        resource,
        "Log storage",
        "logs-storage-gb-month",
        gigabytes * days / _MONTH_DAYS * _COMPRESSED,
        f"{gigabytes:,.2f} GB a month x {days:g} / {_MONTH_DAYS:.1f} days x {_COMPRESSED:g}",
        by_traffic=True,
    )


def _ingested(context: Context, resource: Resource) -> tuple[float, str]:
    """Return the bytes a month that a group takes, and of what."""
    size, sources = 0.0, []
    if context.written_group is resource:
        size += telemetry.log_bytes(context)
        failures = f", {context.failures:,.0f} failures" if context.failures else ""
        sources.append(
            f"{context.requests:,.0f} requests x {context.measured.log_lines:g} lines x "
            f"({telemetry.line_bytes(context):,.0f} + {telemetry.EVENT_BYTES:g}) bytes{failures}"
        )
    if context.output_group is resource:
        size += telemetry.output_bytes(context)
        printed = ", and every line" if telemetry.prints_lines(context) else ""
        start = context.measured.start_output + telemetry.EVENT_BYTES
        sources.append(f"{start:,.0f} bytes at each start of a task{printed}")
    return size, "; ".join(sources)


def metric_filter(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the custom metrics that a filter makes, in the hours with data ("Amazon CloudWatch pricing")."""
    transformations = resource.records("MetricTransformations")
    if any(each.get("Dimensions") for each in transformations):
        context.notes.leave_out(f"Each value of the dimensions of {resource.logical_id}: a metric of its own.")
    if THREADS_LOGGER in str(resource.get("FilterPattern")):
        count = 0
        context.notes.leave_out("Custom metrics of scarce threads, in the hours in which threads are scarce.")
    else:
        count = len(transformations) if context.requests else sum("DefaultValue" in each for each in transformations)
    if count:
        yield context.monthly(resource, "Custom metrics", "custom-metric-month", count, "metric")
