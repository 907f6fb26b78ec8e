"""Encode finished spans as OTLP/HTTP JSON.

The mapping is the OpenTelemetry Protocol specification's "JSON Protobuf Encoding": ids in hex, 64-bit
integers as strings, enum values as numbers.

The text is put together here and not from dicts: most attributes of a span were written for one before, and are kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, StatusCode

from service.telemetry.any_json import text
from service.telemetry.ids import span_context, span_hex, trace_hex
from service.telemetry.spans import LightSpan

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
_CHUNK = 8
_LONGEST_KEPT = 256
"""Characters of a value that is kept written: with as many as are kept, a megabyte or so."""
_KEPT = 4096


class SampledSpan(NamedTuple):
    """A finished span and how many it stands for."""

    span: ReadableSpan
    rate: int


def encode(resource: Resource, spans: Sequence[SampledSpan]) -> bytes:
    """Return the body of one `POST /v1/traces`, and let other threads run now and then while it is made."""
    by_scope: dict[InstrumentationScope | None, list[str]] = {}
    for number, (span, rate) in enumerate(spans, 1):
        by_scope.setdefault(span.instrumentation_scope, []).append(_span(span, rate))
        if number % _CHUNK == 0:
            time.sleep(0)  # else a request would wait for the interpreter's lock until its switch interval is over
    within = ",".join(f'{{"scope":{_scope(scope)},"spans":[{",".join(found)}]}}' for scope, found in by_scope.items())
    whose = f'{{"attributes":{_attributes(resource.attributes)}}}'
    return f'{{"resourceSpans":[{{"resource":{whose},"scopeSpans":[{within}]}}]}}'.encode()


def _scope(scope: InstrumentationScope | None) -> str:
    name, version = (scope.name, scope.version or "") if scope else ("", "")
    return f'{{"name":{_string(name)},"version":{_string(version)}}}'


def _span(span: ReadableSpan, rate: int) -> str:
    if isinstance(span, LightSpan):
        trace_id, span_id, parent_id, held = span.trace_id, span.span_id, span.parent_id, span.held
    else:
        context = span_context(span)
        trace_id, span_id, parent_id = context.trace_id, context.span_id, span.parent.span_id if span.parent else 0
        held = span.attributes or {}
    parent = f'"parentSpanId":"{parent_id:016x}",' if parent_id else ""
    more = f'"events":[{",".join(map(_event, span.events))}],' if span.events else ""
    if span.links:
        more += f'"links":[{",".join(map(_link, span.links))}],'
    return (
        f'{{"traceId":"{trace_id:032x}","spanId":"{span_id:016x}",{parent}"name":{_string(span.name)},'
        f'"kind":{_KINDS[span.kind]},"startTimeUnixNano":"{span.start_time}","endTimeUnixNano":"{span.end_time}",'
        f'{more}"attributes":{_attributes(held, rate)},"status":{_status(span)}}}'
    )


def _status(span: ReadableSpan) -> str:
    status = span.status
    message = f',"message":{_string(status.description)}' if status.description else ""
    return f'{{"code":{_STATUS[status.status_code]}{message}}}'


def _event(event: Event) -> str:
    attributes = _attributes(event.attributes or {})
    return f'{{"name":{_string(event.name)},"timeUnixNano":"{event.timestamp}","attributes":{attributes}}}'


def _link(link: Link) -> str:
    context, attributes = link.context, _attributes(link.attributes or {})
    trace_id, span_id = trace_hex(context.trace_id), span_hex(context.span_id)
    return f'{{"traceId":"{trace_id}","spanId":"{span_id}","attributes":{attributes}}}'


def _attributes(attributes: Mapping[str, Any], rate: int = 1) -> str:
    written = [_attribute(key, value) for key, value in attributes.items()]
    if rate > 1:
        written.append(_kept(SAMPLE_RATE, rate))
    return f"[{','.join(written)}]"


def _attribute(key: str, value: object) -> str:
    if (type(value) is str and len(value) <= _LONGEST_KEPT) or type(value) is int or type(value) is bool:
        return _kept(key, value)
    return f'{{"key":{_string(key)},"value":{_value(value)}}}'


@lru_cache(maxsize=_KEPT, typed=True)
def _kept(key: str, value: str | int) -> str:
    return f'{{"key":{_string(key)},"value":{_value(value)}}}'


def _value(value: object) -> str:
    if isinstance(value, bool):
        return '{"boolValue":true}' if value else '{"boolValue":false}'
    if isinstance(value, int):
        return f'{{"intValue":"{value}"}}'
    if isinstance(value, float):
        return f'{{"doubleValue":{value!r}}}' if math.isfinite(value) else f'{{"doubleValue":"{_NAMES[repr(value)]}"}}'
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return f'{{"arrayValue":{{"values":[{",".join(map(_value, value))}]}}}}'
    return f'{{"stringValue":{_string(value)}}}'


_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""How JSON Protobuf writes the doubles that JSON has no number for."""


def _string(value: object) -> str:
    try:
        return orjson.dumps(value if type(value) is str else text(value)).decode()
    except TypeError:  # lone surrogates, which UTF-8 cannot carry
        return orjson.dumps(text(value)).decode()
