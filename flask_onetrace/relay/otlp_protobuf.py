"""Read export requests in protobuf ("OTLP/HTTP Request", OpenTelemetry Protocol specification)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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

_SCALARS = frozenset({"string_value", "bool_value", "int_value", "double_value"})
_Message = Any
"""Generated messages have no types here."""


def resources(body: bytes) -> Iterator[ResourceSpans]:
    """Parse the request, in C."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - costly, and only where browsers send spans

    try:
        message = request_class().FromString(body)
    except DecodeError as error:
        raise MalformedSpansError("invalid protobuf") from error
    for each in message.resource_spans:
        yield ResourceSpans(each.resource.attributes, _scopes(each))


def _scopes(resource_spans: _Message) -> Iterator[ScopeSpans]:
    for each in resource_spans.scope_spans:
        yield ScopeSpans(each.scope.name, each.scope.version, each.spans)


def span(raw: _Message) -> Span:
    """Read a span."""
    return Span(
        trace_id=raw.trace_id,
        span_id=raw.span_id,
        parent_span_id=raw.parent_span_id,
        name=raw.name,
        kind=raw.kind,
        start=raw.start_time_unix_nano,
        end=raw.end_time_unix_nano,
        status_code=raw.status.code,
        status_message=raw.status.message,
        attributes=raw.attributes,
        events=raw.events,
        links=raw.links,
    )


def event(raw: _Message) -> Event:
    """Read an event."""
    return Event(raw.name, raw.time_unix_nano, raw.attributes)


def link(raw: _Message) -> Link:
    """Read a link."""
    return Link(raw.trace_id, raw.span_id, raw.attributes)


def attribute(raw: _Message) -> tuple[str, Value]:
    """Read an attribute."""
    value = raw.value
    if value.WhichOneof("value") != "array_value":
        return raw.key, _scalar(value)
    values = value.array_value.values
    if len(values) > MAX_ARRAY:
        raise ValueError("a long array")
    return raw.key, [_scalar(each) for each in values]


def _scalar(value: _Message) -> Scalar:
    kind = value.WhichOneof("value")
    if kind not in _SCALARS:
        raise ValueError("not a scalar")
    scalar: Scalar = getattr(value, kind)
    return scalar


def request_class() -> Any:  # noqa: ANN401 - a generated class
    """Return the class `ExportTraceServiceRequest`."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 - as above
        ExportTraceServiceRequest,
    )

    return ExportTraceServiceRequest
