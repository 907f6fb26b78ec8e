"""The schemas of requests, and rules between their fields (Honeycomb API reference, version 1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.fakes.honeycomb_api.schemas import (
    FieldError,
    anything,
    array,
    boolean,
    integer,
    number,
    one_of,
    or_null,
    record,
    text,
)

Body = Mapping[str, Any]

PERCENTILES: Final = ("P001", "P01", "P05", "P10", "P20", "P25", "P50", "P75", "P80", "P90", "P95", "P99", "P999")
HAVING_OPS: Final = (
    *("COUNT", "CONCURRENCY", "SUM", "AVG", "COUNT_DISTINCT", "MAX", "MIN"),
    *(*PERCENTILES, "RATE_AVG", "RATE_SUM", "RATE_MAX"),
)
QUERY_OPS: Final = (*HAVING_OPS, "HEATMAP")
WITHOUT_COLUMN: Final = frozenset({"COUNT", "CONCURRENCY"})
COMPARISONS: Final = ("=", "!=", ">", ">=", "<", "<=")
WITHOUT_VALUE: Final = frozenset({"exists", "does-not-exist"})
WITH_LIST: Final = frozenset({"in", "not-in"})
FILTER_OPS: Final = (
    *COMPARISONS,
    *("starts-with", "does-not-start-with", "ends-with", "does-not-end-with", "contains", "does-not-contain"),
    *("exists", "does-not-exist", "in", "not-in"),
)
OFFSETS: Final = (1800, 3600, 7200, 28_800, 86_400, 604_800, 2_419_200, 15_724_800)
DEFAULT_RANGE: Final = 7200
MAX_GROUPS: Final = 1000
"""The largest `limit` of a query; 10 000 with `disable_series`, which applies to running one."""

_MAX_ITEMS = 100
_NAME = or_null(text())
QUERY: Final = record(
    {
        "breakdowns": array(text(min_length=1), _MAX_ITEMS),
        "calculations": array(record({"op": one_of(QUERY_OPS), "column": _NAME}, ("op",)), _MAX_ITEMS),
        "filters": array(
            record({"op": one_of(FILTER_OPS), "column": _NAME, "value": anything}, ("column", "op")), _MAX_ITEMS
        ),
        "filter_combination": one_of(("AND", "OR")),
        "granularity": integer(1),
        "orders": array(
            record({"column": text(), "op": one_of(QUERY_OPS), "order": one_of(("ascending", "descending"))}),
            _MAX_ITEMS,
        ),
        "limit": integer(1, MAX_GROUPS),
        "start_time": integer(1),
        "end_time": integer(1),
        "time_range": integer(1),
        "havings": array(
            record(
                {"calculate_op": one_of(HAVING_OPS), "column": _NAME, "op": one_of(COMPARISONS), "value": number},
                ("calculate_op",),
            ),
            _MAX_ITEMS,
        ),
        "calculated_fields": array(
            record({"name": text(min_length=1), "expression": text(min_length=1)}, ("name", "expression")), _MAX_ITEMS
        ),
        "compare_time_offset_seconds": one_of(OFFSETS),
    }
)
ANNOTATION: Final = record(
    {
        **{"name": text(320, 1), "description": text(1023), "query_id": text(min_length=1)},
        **dict.fromkeys(("id", "created_at", "updated_at", "source"), anything),
    },
    ("name", "query_id"),
)
_TAGS = array(record({"key": text(32, 1), "value": text(128, 1)}, ("key", "value")), 10)
_POSITION = record({size: integer(0) for size in ("x_coordinate", "y_coordinate", "height", "width")})
_QUERY_PANEL = record(
    {
        "query_id": text(min_length=1),
        "query_annotation_id": text(min_length=1),
        "query_style": one_of(("graph", "table", "combo")),
        "visualization_settings": anything,
    },
    ("query_id", "query_annotation_id"),
)
_PANELS: Final = {
    "query": record({"type": anything, "position": _POSITION, "query_panel": _QUERY_PANEL}, ("query_panel",)),
    "slo": record({"type": anything, "position": _POSITION, "slo_panel": record({"slo_id": text()})}, ("slo_panel",)),
    "text": record(
        {"type": anything, "position": _POSITION, "text_panel": record({"content": text(10_000)}, ("content",))},
        ("text_panel",),
    ),
}


def _panel(field: str, value: object) -> Iterator[FieldError]:
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in _PANELS:
        yield from _PANELS[kind](field, value)
    else:
        yield FieldError(f"{field}.type", "invalid", f"must be one of {', '.join(_PANELS)}")


BOARD: Final = record(
    {
        "name": text(255, 1),
        "description": text(1024),
        "type": one_of(("flexible",)),
        "panels": array(_panel),
        "layout_generation": one_of(("auto", "manual")),
        "tags": _TAGS,
        "preset_filters": array(record({"column": text(), "alias": text()}, ("column", "alias"))),
        **dict.fromkeys(("id", "links"), anything),
    },
    ("name", "type"),
)
MARKER: Final = record(
    {"message": text(), "type": text(), "url": text(), "start_time": integer(0), "end_time": integer(0)},
)
TRIGGER: Final = record(
    {
        "name": text(120, 1),
        "description": text(1023),
        "query": QUERY,
        "query_id": text(min_length=1),
        "threshold": record(
            {"op": one_of((">", ">=", "<", "<=")), "value": number, "exceeded_limit": integer(1, 5)}, ("op", "value")
        ),
        "frequency": integer(60, 86_400, 60),
        "alert_type": one_of(("on_change", "on_true")),
        "disabled": boolean,
        "recipients": array(record({"id": text(), "type": text(), "target": text(), "details": anything})),
        "tags": _TAGS,
        "evaluation_schedule_type": one_of(("frequency", "window")),
        **dict.fromkeys(("evaluation_schedule", "baseline_details"), anything),
        **dict.fromkeys(("id", "dataset_slug", "triggered", "created_at", "updated_at"), anything),
    },
    ("name", "threshold"),
)
_COLUMN_REFERENCE = re.compile(r'\$"([^"]+)"|\$([\w./:=+?-]+)|"(?:[^"\\]|\\.)*"|`[^`]*`')


def query_errors(query: Body) -> Iterator[FieldError]:
    """Yield the errors between the fields of a query that matches its schema."""
    calculations = [(each["op"], each.get("column")) for each in query.get("calculations", [])]
    for index, (op, column) in enumerate(calculations):
        if (op in WITHOUT_COLUMN) != (column is None):
            yield FieldError(
                f"calculations[{index}].column", "invalid", f"{op} {'takes no' if column else 'needs a'} column"
            )
    for index, each in enumerate(query.get("filters", [])):
        yield from _filter_errors(f"filters[{index}]", each)
    for index, each in enumerate(query.get("orders", [])):
        term = (each.get("op"), each.get("column"))
        if term not in calculations and (each.get("op") or each.get("column") not in query.get("breakdowns", [])):
            yield FieldError(f"orders[{index}]", "invalid", "must be one of the breakdowns or calculations")
    for index, each in enumerate(query.get("havings", [])):
        if (each["calculate_op"], each.get("column")) not in calculations:
            yield FieldError(f"havings[{index}]", "invalid", "must be one of the calculations")
    yield from _time_errors(query)


def trigger_query_errors(query: Body, frequency: int) -> Iterator[FieldError]:
    """Yield why a query cannot be a trigger's ("Triggers": one calculation, at most four times the frequency)."""
    for name in ("orders", "limit", "start_time", "end_time", "granularity"):
        if name in query:
            yield FieldError(f"query.{name}", "invalid", "trigger queries cannot have it")
    having = {(each["calculate_op"], each.get("column")) for each in query.get("havings", [])}
    calculations = [(each["op"], each.get("column")) for each in query.get("calculations", [])]
    if any(op in {"HEATMAP", "CONCURRENCY"} for op, _ in calculations):
        yield FieldError("query.calculations", "invalid", "trigger queries cannot use HEATMAP or CONCURRENCY")
    if len(calculations) > 1 and len([each for each in calculations if each not in having]) != 1:
        yield FieldError("query.calculations", "invalid", "trigger queries must have a single calculation")
    if query.get("time_range", DEFAULT_RANGE) > min(4 * frequency, 86_400):
        yield FieldError("frequency", "invalid", "the query's duration cannot be more than four times the frequency")


def columns_in(query: Body) -> Iterator[tuple[str, str]]:
    """Yield the fields of a query that reference columns of the dataset, each with the column."""
    calculated = {each["name"] for each in query.get("calculated_fields", [])}
    for index, column in enumerate(query.get("breakdowns", [])):
        if column not in calculated:
            yield f"breakdowns[{index}]", column
    for kind in ("calculations", "filters", "havings", "orders"):
        for index, each in enumerate(query.get(kind, [])):
            if (column := each.get("column")) and column not in calculated:
                yield f"{kind}[{index}].column", column
    for index, each in enumerate(query.get("calculated_fields", [])):
        for quoted, bare in _COLUMN_REFERENCE.findall(each["expression"]):
            if quoted or bare:
                yield f"calculated_fields[{index}].expression", quoted or bare


def _filter_errors(field: str, each: Body) -> Iterator[FieldError]:
    op, value = each["op"], each.get("value")
    if (op in WITHOUT_VALUE) != (value is None):
        yield FieldError(f"{field}.value", "invalid", f"{op} {'needs a' if value is None else 'takes no'} value")
    elif (op in WITH_LIST) != isinstance(value, list) or isinstance(value, dict):
        yield FieldError(f"{field}.value", "incorrect_type", f"is not what {op} compares with")


def _time_errors(query: Body) -> Iterator[FieldError]:
    start, end = query.get("start_time"), query.get("end_time")
    if start and end and start > end:
        yield FieldError("start_time", "invalid", "must be <= end_time")
    if start and end and "time_range" in query:
        yield FieldError("time_range", "invalid", "cannot be given with both start_time and end_time")
    duration = end - start if start and end else query.get("time_range", DEFAULT_RANGE)
    granularity = query.get("granularity")
    if granularity is not None and not duration / 1000 <= granularity <= duration:
        yield FieldError("granularity", "invalid", "must be from a thousandth of the time range to all of it")
    if query.get("compare_time_offset_seconds", duration) < duration:
        yield FieldError("compare_time_offset_seconds", "invalid", "must not be shorter than the time range")
