"""Summarize what each place has of a trace as one `Request`.

Every function takes what a place returned, of any shape, and leaves out what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final
from urllib.parse import urlsplit

from flask_onetrace.contract import ACCESS_LOGGER, LOGGER_FIELD
from operations.traces import trace_ids
from operations.traces.attributes import attribute
from operations.traces.document import Json, Place, Request

_TEXTS: Final = ("method", "route", "path", "user", "exception")
_MAX_NUMBER: Final = 1e20
_MAX_STARTED: Final = 4_102_444_800.0
"""The year 2100, in seconds since the epoch."""
_MAX_STATUS: Final = 999
_MAX_TEXT: Final = 300
"""Characters of a field."""
_BY_TRUST: Final = (Place.CLOUDWATCH, Place.HONEYCOMB, Place.XRAY, Place.ROLLBAR)
"""Whose fields win: the access line has all of them, whatever was sampled."""
_BY_PRECISION: Final = (Place.HONEYCOMB, Place.XRAY, Place.CLOUDWATCH, Place.ROLLBAR)
"""Whose start wins."""
_STATUS_DIGITS: Final = 3
_NO_ROUTE: Final = "-"
_EMPTY: Final[Json] = {}
_LINE: Final = frozenset(
    (
        *("timestamp", "level", "logger", "version", "message", "exception"),
        *("trace_id", "span_id", "xray_trace_id", "user_id", "method", "route"),
    )
)
_RESPONSE: Final = frozenset(("path", "status", "duration_ms", "bytes", "client_address", "sampled", "aborted"))
"""The fields of every line, and the further ones of an access line."""


def of_trace(trace_id: str, items: Mapping[Place, Sequence[Json]]) -> Request | None:
    """Return the request of a trace, None where no place has anything."""
    fields: dict[Place, Json] = {}
    span = root_span(items.get(Place.HONEYCOMB, ()))
    segment = root_segment(items.get(Place.XRAY, ()))
    if lines := items.get(Place.CLOUDWATCH):
        own = {each for each in (span and span.get("span_id"), segment and segment.get("id")) if isinstance(each, str)}
        fields[Place.CLOUDWATCH] = of_line(access_line(lines, own) or {})
    if span is not None:
        fields[Place.HONEYCOMB] = of_span(span)
    if segment is not None:
        fields[Place.XRAY] = of_segment(segment)
    if found := items.get(Place.ROLLBAR):
        fields[Place.ROLLBAR] = of_item(found[0])
    return merged(trace_id, fields)


def merged(trace_id: str, fields: Mapping[Place, Json]) -> Request | None:
    """Return the request with the fields of the places that have some of it, None without a place."""
    if not fields:
        return None
    values: Json = {}
    for place in _BY_TRUST:
        for name, value in fields.get(place, _EMPTY).items():
            if value is not None:
                values.setdefault(name, value)
    values.pop("started", None)
    starts = (fields[each].get("started") for each in _BY_PRECISION if each in fields)
    started = (
        next((each for each in starts if each and 0 < each < _MAX_STARTED), None) or trace_ids.started(trace_id) or 0.0
    )
    return Request(trace_id=trace_id, started=started, places=[each for each in Place if each in fields], **values)


def access_line(lines: Iterable[Json], span_ids: Set[str] = frozenset()) -> Json | None:
    """Return the access line of the request, None where there is none: that of its span, else of the longest request.

    `span_ids` are those of the request. Another request may continue the trace, or take its id.
    """
    access_lines = [each for each in lines if object_in(each, "fields").get(LOGGER_FIELD) == ACCESS_LOGGER]

    def rank(line: Json) -> tuple[bool, float]:
        is_own = str(object_in(line, "fields").get("span_id")) in span_ids
        return is_own, of_line(line).get("duration_ms") or 0.0

    return max(access_lines, key=rank, default=None)


def root_span(spans: Sequence[Json]) -> Json | None:
    """Return the span of the request: the first server span, else one without a parent, else the first."""
    ordered = sorted(spans, key=lambda each: _number(each.get("start_ns")) or 0)
    servers = [each for each in ordered if each.get("kind") == "server"]
    parentless = [each for each in ordered if not each.get("parent_span_id")]
    return next(iter([*servers, *parentless, *ordered]), None)


def root_segment(documents: Sequence[Json]) -> Json | None:
    """Return the segment of the request: the first without a parent, else the first."""
    ordered = sorted(documents, key=lambda each: _number(each.get("start_time")) or 0)
    return next(iter([*(each for each in ordered if not each.get("parent_id")), *ordered]), None)


def of_line(line: Json) -> Json:
    """Return the fields of an access line; of another line, the few that it has."""
    fields = object_in(line, "fields")
    duration, created = _duration(0.0, _number(fields.get("duration_ms")), 1.0), _number(line.get("timestamp"))
    sampled, route = fields.get("sampled"), fields.get("route")
    return _fields(
        started=None if created is None else (created - (duration or 0.0)) / 1000,
        method=fields.get("method"),
        route=None if route == _NO_ROUTE else route,
        path=fields.get("path"),
        status=_status(fields.get("status")),
        user=fields.get("user_id"),
        duration_ms=duration,
        sampled=bool(sampled) if isinstance(sampled, int) else None,
    )


def of_span(span: Json) -> Json:
    """Return the fields of the request's span."""
    attributes = object_in(span, "attributes")
    start, end = _number(span.get("start_ns")), _number(span.get("end_ns"))
    message = object_in(span, "status").get("message") or attributes.get("error.type")
    is_request = span.get("kind") == "server"
    return _fields(
        started=None if start is None else start / 1e9,
        method=attribute(attributes, "http.request.method"),
        route=attributes.get("http.route"),
        path=attributes.get("url.path") if is_request else span.get("name"),
        status=_status(attribute(attributes, "http.response.status_code")),
        user=attributes.get("user.id"),
        duration_ms=_duration(start, end, 1e6),
        sampled=True if span else None,
        sample_rate=_number(attributes.get("SampleRate")) or (1.0 if span else None),
        exception=message if object_in(span, "status").get("code") == "error" else None,
    )


def of_segment(document: Json) -> Json:
    """Return the fields of a segment document."""
    http = object_in(document, "http")
    start, end = _number(document.get("start_time")), _number(document.get("end_time"))
    return _fields(
        started=start,
        method=object_in(http, "request").get("method"),
        path=_path(object_in(http, "request").get("url")),
        status=_status(object_in(http, "response").get("status")),
        user=document.get("user"),
        duration_ms=_duration(start, end, 1e-3),
        exception=_cause(document),
    )


def of_summary(summary: Json) -> Json:
    """Return the fields of a trace summary (TraceSummary, AWS X-Ray API Reference)."""
    http = object_in(summary, "Http")
    start, duration = summary.get("StartTime"), _number(summary.get("Duration"))
    users = summary.get("Users")
    user = users[0].get("UserName") if isinstance(users, list) and users and isinstance(users[0], dict) else None
    return _fields(
        started=_number(start),
        method=http.get("HttpMethod"),
        path=_path(http.get("HttpURL")),
        status=_status(http.get("HttpStatus")),
        user=user,
        duration_ms=_duration(0.0, duration, 1e-3),
    )


def of_item(item: Json) -> Json:
    """Return the fields of a Rollbar item."""
    request = object_in(item, "request")
    return _fields(
        started=_number(item.get("timestamp")),
        method=request.get("method"),
        route=item.get("context"),
        path=_path(request.get("url")),
        user=object_in(item, "person").get("id"),
        exception=title(item),
    )


def title(item: Json) -> str:
    """Return `<class>: <message>` of an item's exception, or its message."""
    body = object_in(item, "body")
    chain = body.get("trace_chain")
    first = chain[0] if isinstance(chain, list) and chain and isinstance(chain[0], dict) else _EMPTY
    exception = object_in(object_in(body, "trace") or first, "exception")
    if exception:
        return f"{exception.get('class', 'exception')}: {exception.get('message', '')}".rstrip(": ")
    return str(object_in(body, "message").get("body", ""))


def own_fields(fields: Mapping[str, Any]) -> Json:
    """Return the fields of a line that the application gave, by those that telemetry/log_lines.py writes."""
    standard = _LINE | _RESPONSE if fields.get(LOGGER_FIELD) == ACCESS_LOGGER else _LINE
    return {name: value for name, value in fields.items() if name not in standard}


def object_in(document: Mapping[str, Any], name: str) -> Json:
    """Return the object of that name, an empty one where there is none."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def number(value: Any) -> float:  # noqa: ANN401 - as received
    """Return a number, 0 where the value is none."""
    return _number(value) or 0.0


def _fields(**values: Any) -> Json:  # noqa: ANN401 - as received
    texts = {name: str(values[name])[:_MAX_TEXT] for name in _TEXTS if values.get(name) not in (None, "")}
    return {name: value for name, value in values.items() if name not in _TEXTS and value is not None} | texts


def _cause(document: Json) -> str | None:
    exceptions = object_in(document, "cause").get("exceptions")
    first = exceptions[0] if isinstance(exceptions, list) and exceptions else None
    return f"{first.get('type', 'exception')}: {first.get('message', '')}" if isinstance(first, dict) else None


def _number(value: Any) -> float | None:  # noqa: ANN401 - as received
    """Return a number that time can be computed with."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MAX_NUMBER <= value <= _MAX_NUMBER:
        return None  # NaN too
    return float(value)


def _duration(start: float | None, end: float | None, units: float) -> float | None:
    """Return the milliseconds between two times, None where one is missing or they are reversed."""
    return None if start is None or end is None or end < start else (end - start) / units


def _status(value: Any) -> int | None:  # noqa: ANN401 - as received
    """Return a status code, which some exporters write as a text."""
    if isinstance(value, str) and len(value) == _STATUS_DIGITS and value.isascii() and value.isdigit():
        return int(value)
    is_status = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_STATUS
    return value if is_status else None


def _path(url: Any) -> str | None:  # noqa: ANN401 - as received
    try:
        return (urlsplit(url).path or "/") if isinstance(url, str) and url else None
    except ValueError:
        return None
