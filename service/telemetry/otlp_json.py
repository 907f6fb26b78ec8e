"""Encode finished spans as OTLP/HTTP JSON.

The mapping is the OpenTelemetry Protocol specification's "JSON Protobuf Encoding": ids in hex, 64-bit
integers as strings, enum values as numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanKind, StatusCode

from service.telemetry.any_json import dumps
from service.telemetry.ids import span_context, span_hex, trace_hex

SAMPLE_RATE = "SampleRate"
"""Honeycomb multiplies a span by this integer attribute ("Sampling", Honeycomb's documentation)."""

_KINDS = {
    SpanKind.INTERNAL: 1,
    SpanKind.SERVER: 2,
    SpanKind.CLIENT: 3,
    SpanKind.PRODUCER: 4,
    SpanKind.CONSUMER: 5,
}
_STATUS = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}


class SampledSpan(NamedTuple):
    """A finished span and how many it stands for."""

    span: ReadableSpan
    rate: int


def encode(resource: Resource, spans: Iterable[SampledSpan]) -> bytes:
    """Return the body of one `POST /v1/traces`."""
    by_scope: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for span, rate in spans:
        scope = span.instrumentation_scope
        key = (scope.name, scope.version or "") if scope else ("", "")
        by_scope.setdefault(key, []).append(_span(span, rate))
    scope_spans = [
        {"scope": {"name": name, "version": version}, "spans": found} for (name, version), found in by_scope.items()
    ]
    return dumps(
        {"resourceSpans": [{"resource": {"attributes": _attributes(resource.attributes)}, "scopeSpans": scope_spans}]}
    )


def _span(span: ReadableSpan, rate: int) -> dict[str, Any]:
    context = span_context(span)
    attributes = _attributes(span.attributes or {})
    if rate > 1:
        attributes.append({"key": SAMPLE_RATE, "value": {"intValue": str(rate)}})
    document: dict[str, Any] = {
        "traceId": trace_hex(context.trace_id),
        "spanId": span_hex(context.span_id),
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": attributes,
        "status": _status(span),
    }
    if context.trace_state:
        document["traceState"] = context.trace_state.to_header()
    if span.parent is not None:
        document["parentSpanId"] = span_hex(span.parent.span_id)
    if span.events:
        document["events"] = [_event(event) for event in span.events]
    if span.links:
        document["links"] = [_link(link) for link in span.links]
    return document


def _status(span: ReadableSpan) -> dict[str, Any]:
    status: dict[str, Any] = {"code": _STATUS[span.status.status_code]}
    if span.status.description:
        status["message"] = span.status.description
    return status


def _event(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        "timeUnixNano": str(event.timestamp),
        "attributes": _attributes(event.attributes or {}),
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "traceId": trace_hex(link.context.trace_id),
        "spanId": span_hex(link.context.span_id),
        "attributes": _attributes(link.attributes or {}),
    }


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}
