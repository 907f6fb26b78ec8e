"""Read export requests in JSON ("JSON Protobuf Encoding", OpenTelemetry Protocol specification).

Names are in lowerCamelCase, ids in hex, enumerations numbers, and 64-bit integers numbers or text; unknown names are
ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from flask_onetrace.relay.otlp_request import (
    MAX_ARRAY,
    Event,
    Link,
    MalformedSpansError,
    ResourceSpans,
    Scalar,
    ScopeSpans,
    Span,
    Value,
)

_MAX_DIGITS = 20
"""Of a 64-bit integer in text, with its sign. Longer ones would take Python quadratic time."""
_Json = Any
"""Decoded JSON."""


def elements_of(body: bytes) -> int:
    """Return at least the number of values in `body`, which is not parsed: their separators, also those in texts."""
    return body.count(b"{") + body.count(b"[") + body.count(b",")


def resources(body: bytes) -> Iterator[ResourceSpans]:
    """Parse the request."""
    try:
        document = orjson.loads(body)
        for each in _list(document.get("resourceSpans")):
            resource = each.get("resource") or {}
            yield ResourceSpans(_list(resource.get("attributes")), _scopes(each))
    except orjson.JSONDecodeError as error:
        # Without the cause, which holds the whole body.
        raise MalformedSpansError(f"invalid JSON ({error})") from None


def _scopes(resource_spans: _Json) -> Iterator[ScopeSpans]:
    for each in _list(resource_spans.get("scopeSpans")):
        scope = each.get("scope") or {}
        yield ScopeSpans(_text(scope.get("name")), _text(scope.get("version")), _list(each.get("spans")))


def span(raw: _Json) -> Span:
    """Read a span."""
    get = raw.get
    status = get("status") or {}
    return Span(
        trace_id=_id(get("traceId")),
        span_id=_id(get("spanId")),
        parent_span_id=_id(get("parentSpanId")),
        name=_text(get("name")),
        kind=_integer(get("kind", 0)),
        start=_integer(get("startTimeUnixNano", 0)),
        end=_integer(get("endTimeUnixNano", 0)),
        status_code=_integer(status.get("code", 0)),
        status_message=_text(status.get("message")),
        attributes=_list(get("attributes")),
        events=_list(get("events")),
        links=_list(get("links")),
    )


def event(raw: _Json) -> Event:
    """Read an event."""
    return Event(_text(raw.get("name")), _integer(raw.get("timeUnixNano", 0)), _list(raw.get("attributes")))


def link(raw: _Json) -> Link:
    """Read a link."""
    return Link(_id(raw.get("traceId")), _id(raw.get("spanId")), _list(raw.get("attributes")))


def attribute(raw: _Json) -> tuple[str, Value]:
    """Read an attribute."""
    value = raw["value"]
    if "arrayValue" not in value:
        return _text(raw["key"]), _scalar(value)
    values = _list(value["arrayValue"].get("values"))
    if len(values) > MAX_ARRAY:
        raise ValueError("a long array")
    return _text(raw["key"]), [_scalar(each) for each in values]


def _scalar(value: _Json) -> Scalar:
    ((kind, content),) = value.items()
    if kind == "stringValue":
        return _text(content)
    if kind == "intValue":
        return _integer(content)
    if kind == "boolValue" and type(content) is bool:
        return content
    if kind == "doubleValue" and type(content) in {int, float}:
        return float(content)
    raise ValueError("not a scalar")


def _list(value: _Json) -> list[_Json]:
    if value is None:
        return []
    if type(value) is not list:
        raise TypeError("not a list")
    return value


def _text(value: _Json) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise TypeError("not a text")
    return value


def _integer(value: _Json) -> int:
    if type(value) is int:
        return value
    if type(value) is str and len(value) <= _MAX_DIGITS:
        return int(value)
    raise TypeError("not an integer")


def _id(value: _Json) -> bytes:
    return bytes.fromhex(value) if value else b""
