"""Run Honeycomb queries over stored spans.

Sources: Honeycomb API reference, "Query specification"; Honeycomb documentation on span columns, and on sampling: a
span counts `SampleRate` times. Unsupported fields are errors; percentiles are exact, by the nearest-rank method.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from infra.application import dataset_slug
from local.fakes.honeycomb.calculated_fields import ExpressionError, compile_expression
from local.fakes.honeycomb.otlp import Span

Event = dict[str, Any]
"""The columns of a span by name."""
Row = dict[str, Any]

ENVIRONMENT_WIDE: Final = "__all__"
_SUPPORTED_FIELDS: Final = frozenset(
    (
        *("calculated_fields", "calculations", "breakdowns", "filters", "orders", "limit"),
        *("time_range", "start_time", "end_time"),
    )
)
_PERCENTILE: Final = re.compile(r"P(\d\d)")
_FILTERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "exists": lambda value, _operand: value is not None,
    "does-not-exist": lambda value, _operand: value is None,
    "=": lambda value, operand: value == operand,
    "!=": lambda value, operand: value != operand,
    ">": lambda value, operand: value is not None and value > operand,
    ">=": lambda value, operand: value is not None and value >= operand,
    "in": lambda value, operand: value in operand,
}
WeightedValues = Sequence[tuple[float, int]]
"""Values in ascending order, each with its weight: the number of events that it represents."""
_CALCULATIONS: Final[dict[str, Callable[[WeightedValues], float]]] = {
    "SUM": lambda values: sum(value * weight for value, weight in values),
    "AVG": lambda values: sum(value * weight for value, weight in values) / sum(weight for _, weight in values),
    "MIN": lambda values: values[0][0],
    "MAX": lambda values: values[-1][0],
}


class QueryError(ValueError):
    """A query that uses an unsupported feature; the message names it."""


def event_of(span: Span) -> Event:
    """Return the columns of a span by Honeycomb's names; `timestamp` is in seconds since the epoch."""
    columns = {
        **span["resource"],
        **span["attributes"],
        "name": span["name"],
        "span.kind": span["kind"],
        "trace.trace_id": span["trace_id"],
        "trace.span_id": span["span_id"],
        "trace.parent_id": span["parent_span_id"],
        "duration_ms": (span["end_ns"] - span["start_ns"]) / 1e6,
        "error": True if span["status"]["code"] == "error" else None,
        "status_message": span["status"]["message"] or None,
        "library.name": span["scope"] or None,
        "timestamp": span["start_ns"] / 1e9,
    }
    return {name: value for name, value in columns.items() if value is not None}


def events_of(span: Span) -> Iterator[Event]:
    """Yield the event of a span and those of its span events, which are events of their own in Honeycomb."""
    event = event_of(span)
    yield event
    for each in span["events"]:
        columns = {
            **span["resource"],
            **each["attributes"],
            "name": each["name"],
            "meta.annotation_type": "span_event",
            "trace.trace_id": span["trace_id"],
            "trace.parent_id": span["span_id"],
            "timestamp": each["time_ns"] / 1e9,
        }
        if "SampleRate" in event:
            columns["SampleRate"] = event["SampleRate"]
        yield {name: value for name, value in columns.items() if value is not None}


def dataset_of(event: Mapping[str, Any]) -> str:
    """Return the slug of the event's dataset, which Honeycomb derives from the service name."""
    return dataset_slug(str(event.get("service.name", "unknown")))


def run(query: Mapping[str, Any], dataset: str, events: Iterable[Event], now: float) -> list[Row]:
    """Return one row per group: breakdowns by column name, calculations by `P95(duration_ms)` or `COUNT`.

    `now` is in seconds since the epoch. Raises `QueryError`.
    """
    if unsupported := sorted(set(query) - _SUPPORTED_FIELDS):
        raise QueryError(f"not emulated: {', '.join(unsupported)}")
    start, end = _period(query, now)
    wide = dataset == ENVIRONMENT_WIDE
    recent = [each for each in events if start <= each["timestamp"] <= end and (wide or dataset_of(each) == dataset)]
    candidates = _with_calculated_fields(recent, query.get("calculated_fields", ()))
    matches = [each for each in candidates if all(_satisfies(each, test) for test in query.get("filters", ()))]
    rows = _group(matches, query.get("breakdowns", ()), query.get("calculations", ()))
    for order in reversed(query.get("orders", ())):
        rows = _sort(rows, order)
    return rows[: query.get("limit", 100)]


def _period(query: Mapping[str, Any], now: float) -> tuple[float, float]:
    """Return the start and the end in seconds since the epoch; without an end, clocks that are fast count too."""
    time_range = query.get("time_range", 7200)
    if "start_time" in query:
        return query["start_time"], query.get("end_time", query["start_time"] + time_range)
    if "end_time" in query:
        return query["end_time"] - time_range, query["end_time"]
    return now - time_range, float("inf")


def _with_calculated_fields(events: list[Event], fields: Iterable[Mapping[str, str]]) -> list[Event]:
    try:
        compiled = {each["name"]: compile_expression(each["expression"]) for each in fields}
    except ExpressionError as error:
        raise QueryError(str(error)) from None
    return [event | {name: compute(event) for name, compute in compiled.items()} for event in events]


def _satisfies(event: Event, test: Mapping[str, Any]) -> bool:
    operator = test["op"]
    if operator not in _FILTERS:
        raise QueryError(f"not emulated: the filter {operator!r}")
    return _FILTERS[operator](event.get(test["column"]), test.get("value"))


def _group(events: Iterable[Event], breakdowns: Sequence[str], calculations: Sequence[Mapping[str, str]]) -> list[Row]:
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in events:
        groups.setdefault(tuple(event.get(each) for each in breakdowns), []).append(event)
    return [
        dict(zip(breakdowns, key, strict=True)) | {_label(each): _calculate(members, each) for each in calculations}
        for key, members in groups.items()
    ]


def _label(calculation: Mapping[str, str]) -> str:
    column = calculation.get("column")
    return f"{calculation['op']}({column})" if column else calculation["op"]


def _calculate(events: Sequence[Event], calculation: Mapping[str, str]) -> float | None:
    operation = calculation["op"]
    if operation == "COUNT":
        return sum(map(_weight, events))
    percentile = _PERCENTILE.fullmatch(operation)
    if percentile is None and operation not in _CALCULATIONS:
        raise QueryError(f"not emulated: the calculation {operation!r}")
    values = sorted(_weighted_values(events, calculation["column"]))
    if not values:
        return None
    return _CALCULATIONS[operation](values) if percentile is None else _percentile(values, int(percentile[1]))


def _weighted_values(events: Iterable[Event], column: str) -> Iterator[tuple[float, int]]:
    for event in events:
        value = event.get(column)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield value, _weight(event)


def _weight(event: Event) -> int:
    weight: int = event.get("SampleRate", 1)
    return weight


def _percentile(values: WeightedValues, percent: int) -> float:
    ranks = list(accumulate(weight for _, weight in values))
    return values[bisect_left(ranks, max(percent / 100 * ranks[-1], 1))][0]


def _sort(rows: list[Row], order: Mapping[str, str]) -> list[Row]:
    name = _label(order) if "op" in order else order["column"]
    present = [row for row in rows if row.get(name) is not None]
    missing = [row for row in rows if row.get(name) is None]
    return [*sorted(present, key=lambda row: row[name], reverse=order.get("order") == "descending"), *missing]
