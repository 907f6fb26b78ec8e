"""Read Honeycomb by its Query Data API (Honeycomb API reference: Queries, Query Data, Columns, Auth).

There is no request for a trace: a query groups by every column, so that each group is one span. Span events are groups
of their own, with `meta.annotation_type` ("Span events", Honeycomb documentation).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from flask_onetrace.contract import CONFIGURATION_KEY_VARIABLE
from operations.errors import OperatorError
from operations.honeycomb.client import ALL_DATASETS, HoneycombClient
from operations.traces.document import Json
from operations.traces.errors import ReadError
from operations.traces.records import records
from operations.traces.summary import number
from operations.traces.trace_ids import started

READ_KEY: Final = (
    "a configuration key with Run Queries and Manage Queries and Columns (in Honeycomb: environment settings, API keys)"
)
TRACE: Final = "trace.trace_id"
SPAN: Final = "trace.span_id"
PARENT: Final = "trace.parent_id"
ANNOTATION: Final = "meta.annotation_type"
START: Final = "onetrace_start"
"""The calculated field with the start of a span, in seconds since the epoch."""
_ESSENTIAL: Final = (
    TRACE,
    SPAN,
    PARENT,
    ANNOTATION,
    "name",
    "duration_ms",
    "span.kind",
    "error",
    "status_message",
    "library.name",
    "SampleRate",
    "service.name",
    "service.version",
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "url.path",
    "user.id",
)
_MAX_COLUMNS: Final = 95
"""Breakdowns of one query; the API takes 100, calculated ones included."""
_MAX_GROUPS: Final = 10_000
_RANGE: Final = 7 * 24 * 3600 - 60
"""Seconds that one query covers at most."""
_NEWEST_RANGE: Final = 3 * 3600
_MARGIN: Final = 3600
"""Seconds around the start of a trace in which its spans are looked for."""
_DEADLINE: Final = 20.0
_POLL: Final = 0.25
_RESOURCE: Final = ("service.", "deployment.", "telemetry.", "host.", "cloud.", "container.", "aws.ecs.")
"""The beginnings of the resource attributes, which Honeycomb stores among those of the span."""


class HoneycombReader:
    """Read the spans of one Honeycomb environment with a configuration key. Every method raises `ReadError`."""

    def __init__(
        self,
        client: HoneycombClient,
        dataset: str,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._dataset = dataset
        self._sleep = sleep
        self._now = now
        self._columns: list[str] | None = None
        self._location: str | None = None

    def spans(self, trace_id: str) -> Sequence[Json]:
        """Return the spans of a trace, the first to start first."""
        begin, now = started(trace_id), int(self._now())
        period: Json = {"time_range": _RANGE}
        if begin is not None:
            period = {"start_time": int(begin) - _MARGIN, "end_time": min(int(begin) + _MARGIN * 2, now + _MARGIN)}
        filters = [{"column": TRACE, "op": "=", "value": trace_id}]
        return spans_of(self._rows({"filters": filters, **period}, _MAX_GROUPS))

    def newest_spans(self, limit: int) -> Sequence[Json]:
        """Return up to `limit` root spans, newest first."""
        query = {
            "filters": [{"column": PARENT, "op": "does-not-exist"}, {"column": TRACE, "op": "exists"}],
            "time_range": _NEWEST_RANGE,
            "orders": [{"column": START, "order": "descending"}],
        }
        return spans_of(self._rows(query, min(limit, _MAX_GROUPS)))[::-1]

    def url(self, trace_id: str) -> str:
        """Return the URL of the trace in Honeycomb's own page ("Share a trace", Honeycomb documentation)."""
        if self._location is None:
            auth = self._call(lambda: self._client.get("/1/auth"))
            try:
                team, environment = auth["team"]["slug"], auth["environment"]["slug"]
            except (KeyError, TypeError) as error:
                raise ReadError("Honeycomb's response to GET /1/auth has no team", "Try again later") from error
            page = self._client.url.replace("://api.", "://ui.", 1)
            within = f"environments/{quote(environment)}/" if environment else ""
            self._location = f"{page}/{quote(str(team))}/{within}datasets/{quote(self._dataset)}"
        begin = started(trace_id)
        period = "" if begin is None else f"&trace_start_ts={int(begin) - _MARGIN}&trace_end_ts={int(begin) + _MARGIN}"
        return f"{self._location}/trace?trace_id={trace_id}{period}"

    def _rows(self, query: Mapping[str, Any], limit: int) -> list[Json]:
        """Run a query that groups by every column, and return its groups."""
        specification = {
            "calculated_fields": [{"name": START, "expression": "EVENT_TIMESTAMP()"}],
            "calculations": [{"op": "COUNT"}],
            "breakdowns": [*self._known_columns(), START],
            "limit": min(limit, 1000),  # of a query; that of a result is larger
            **query,
        }
        created = self._call(lambda: self._client.post(f"/1/queries/{ALL_DATASETS}", specification))
        body = {"query_id": created["id"], "disable_series": True, "limit": limit}
        result = self._call(lambda: self._client.post(f"/1/query_results/{ALL_DATASETS}", body))
        end, path = self._now() + _DEADLINE, f"/1/query_results/{ALL_DATASETS}/{result['id']}"
        while not result.get("complete") or "data" not in result:
            if self._now() > end:
                raise ReadError(f"Honeycomb has not finished a query after {_DEADLINE:g} s", "Try again later")
            self._sleep(_POLL)
            result = self._call(lambda: self._client.get(path))
        try:
            return records(each["data"] for each in result["data"]["results"])
        except (KeyError, TypeError) as error:
            raise ReadError("Honeycomb's query result has no rows", "Try again later") from error

    def _known_columns(self) -> list[str]:
        """Return the columns to group by: a query fails that names one which no event has had."""
        if self._columns is None:
            path = f"/1/columns/{ALL_DATASETS}"
            columns = self._call(lambda: self._client.get(path))
            names = {
                str(each["key_name"])
                for each in (columns if isinstance(columns, list) else [])
                if isinstance(each, dict) and "key_name" in each and not each.get("hidden")
            }
            others = sorted(names.difference(_ESSENTIAL))
            self._columns = [*(each for each in _ESSENTIAL if each in names), *others][:_MAX_COLUMNS]
        return self._columns

    def _call(self, request: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON
        try:
            return request()
        except ReadError:
            raise
        except OperatorError as error:
            remedy = f"{error.remedy}. {CONFIGURATION_KEY_VARIABLE} is the key that reads"
            raise ReadError(error.problem, remedy) from error


def spans_of(rows: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return the spans of the rows of a query, the first to start first, with their span events."""
    spans: dict[str, Json] = {}
    events: list[tuple[str, Json]] = []
    for row in rows:
        columns = {name: value for name, value in row.items() if value is not None}
        if columns.get(ANNOTATION) == "span_event":
            events.append((str(columns.get(PARENT, "")), _event(columns)))
        elif columns.get(ANNOTATION) is None and columns.get(SPAN):
            span = _span(columns)
            spans[span["span_id"]] = span
    for parent, event in events:
        if parent in spans:
            spans[parent]["events"].append(event)
    return sorted(spans.values(), key=lambda each: each["start_ns"])


_OF_SPAN: Final = frozenset(
    (
        *(TRACE, SPAN, PARENT, ANNOTATION, START, "COUNT", "name", "duration_ms", "span.kind", "error"),
        *("status_message", "status_code", "type", "library.name", "library.version", "meta.signal_type"),
        *("trace.trace_state", "span.num_events", "span.num_links"),
    )
)
"""The columns that are no attributes."""


def _span(columns: Mapping[str, Any]) -> Json:
    start = _nanoseconds(columns.get(START), 1e9)
    return {
        "trace_id": str(columns.get(TRACE, "")),
        "span_id": str(columns[SPAN]),
        "parent_span_id": str(columns[PARENT]) if columns.get(PARENT) else None,
        "name": str(columns.get("name", "")),
        "kind": str(columns.get("span.kind", "internal")),
        "start_ns": start,
        "end_ns": start + _nanoseconds(columns.get("duration_ms"), 1e6),
        "attributes": {
            name: value for name, value in columns.items() if name not in _OF_SPAN and not name.startswith(_RESOURCE)
        },
        "status": {
            "code": "error" if columns.get("error") is True else "unset",
            "message": str(columns.get("status_message", "")),
        },
        "events": [],
        "scope": str(columns.get("library.name", "")),
        "resource": {name: value for name, value in columns.items() if name.startswith(_RESOURCE)},
    }


def _event(columns: Mapping[str, Any]) -> Json:
    return {
        "name": str(columns.get("name", "")),
        "time_ns": _nanoseconds(columns.get(START), 1e9),
        "attributes": {
            name: value for name, value in columns.items() if name not in _OF_SPAN and not name.startswith(_RESOURCE)
        },
    }


def _nanoseconds(value: Any, unit: float) -> int:  # noqa: ANN401 - a column's value
    return round(number(value) * unit)
