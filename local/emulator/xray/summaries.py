"""Summarize traces. Source: X-Ray API reference, GetTraceSummaries and TraceSummary."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Final

from local.emulator.json_api import Json
from local.emulator.xray.trace_view import TraceView

MAX_NUMBER: Final = sys.float_info.max
_HTTP_FIELDS: Final = {
    "HttpURL": ("request", "url", str),
    "HttpStatus": ("response", "status", int),
    "HttpMethod": ("request", "method", str),
    "UserAgent": ("request", "user_agent", str),
    "ClientIp": ("request", "client_ip", str),
}
"""Where each is in a segment, and its type: clients cannot read another."""


def summarize(trace: TraceView) -> Json:
    """Return the TraceSummary of `trace`, which must have a segment."""
    http = {name: (trace.http(side, key), kind) for name, (side, key, kind) in _HTTP_FIELDS.items()}
    return {
        "Id": trace.trace_id,
        "StartTime": trace.start,
        "Duration": trace.duration,
        "ResponseTime": trace.response_time,
        "HasFault": trace.flag("fault"),
        "HasError": trace.flag("error"),
        "HasThrottle": any(segment.get("throttle") is True for segment in trace.segments),
        "IsPartial": trace.partial,
        "Http": {name: value for name, (value, kind) in http.items() if isinstance(value, kind)},
        "Annotations": _annotations(trace),
        "Users": [{"UserName": user, "ServiceIds": [service_id(segment)]} for user, segment in trace.users()],
        "ServiceIds": _distinct(service_id(segment) for segment in trace.segments),
        "EntryPoint": service_id(trace.root),
        "Revision": 1,
    }


def service_id(segment: Json) -> Json:
    """Return the ServiceId of the sender of `segment`."""
    name = str(segment.get("name", ""))
    origin = segment.get("origin")
    return {"Name": name, "Names": [name], **({"Type": origin} if isinstance(origin, str) else {})}


def _annotations(trace: TraceView) -> dict[str, list[Json]]:
    annotations: dict[str, list[Json]] = {}
    for key, value, segment in trace.annotations():
        annotation = {"AnnotationValue": _annotation_value(value), "ServiceIds": [service_id(segment)]}
        values = annotations.setdefault(key, [])
        if annotation not in values:
            values.append(annotation)
    return annotations


def _annotation_value(value: Any) -> Json:  # noqa: ANN401 - a JSON value of any kind
    if isinstance(value, bool):
        return {"BooleanValue": value}
    if isinstance(value, int | float) and abs(value) <= MAX_NUMBER:
        return {"NumberValue": value}
    return {"StringValue": str(value)}


def _distinct(items: Iterable[Json]) -> list[Json]:
    distinct: list[Json] = []
    for item in items:
        if item not in distinct:
            distinct.append(item)
    return distinct
