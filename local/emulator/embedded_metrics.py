"""Publish the metrics that log events embed.

Source: "Specification: Embedded metric format", CloudWatch User Guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Final, NamedTuple

from ministack.services import cloudwatch_logs

from local.emulator.json_api import Json
from local.emulator.metric_store import put

MARK: Final = '"CloudWatchMetrics"'
"""In every event that embeds metrics."""


class Metric(NamedTuple):
    """A value of one metric with one set of dimensions."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    value: float
    unit: str
    timestamp: float
    """In seconds since the epoch."""


def install() -> None:
    """Look for metrics in every batch of log events, where ministack looks for subscription filters."""
    original = cloudwatch_logs._fanout_to_subscription_filters

    def fan_out(group: str, stream: str, events: Sequence[Json]) -> None:
        original(group, stream, events)
        for event in events:
            for each in metrics_of(event.get("message", "")):
                point = {"Value": each.value, "Unit": each.unit}
                put(each.namespace, each.name, each.dimensions, point, start=each.timestamp)

    cloudwatch_logs._fanout_to_subscription_filters = fan_out


def metrics_of(message: str) -> Iterator[Metric]:
    """Yield the metrics of a log event; CloudWatch ignores an event that does not follow the specification."""
    if MARK not in message:
        return
    try:
        document = json.loads(message)
        directives = document["_aws"]["CloudWatchMetrics"]
        metrics = [each for directive in directives for each in _metrics(document, directive)]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return
    yield from metrics


def _metrics(document: Json, directive: Json) -> Iterator[Metric]:
    namespace, timestamp = directive["Namespace"], _finite(document["_aws"]["Timestamp"]) / 1000
    for names in directive.get("Dimensions") or [[]]:
        dimensions = {name: str(document[name]) for name in names}
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            for value in values if isinstance(values, list) else [values]:
                unit = metric.get("Unit", "None")
                yield Metric(namespace, metric["Name"], dimensions, _finite(value), unit, timestamp)


def _finite(value: float) -> float:
    """Return a number that has a place in a statistic; JSON as Python reads it has others. Raises `ValueError`."""
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{value} is not finite")
    return number
