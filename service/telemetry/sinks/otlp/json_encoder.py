"""Encode finished spans as OTLP/HTTP JSON.

The mapping is the OpenTelemetry Protocol specification's "JSON Protobuf Encoding": ids in hex, 64-bit
integers as strings, enum values as numbers.

The JSON is built from strings, not dicts: most attributes repeat those of earlier spans, and come from a cache.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, StatusCode

from service.telemetry.export.gil_pacing import paced_chunks
from service.telemetry.export.safe_json import text
from service.telemetry.ids import span_hex, trace_hex
from service.telemetry.spans.span import LightSpan

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
_LOCAL, _REMOTE = 0x100, 0x300
"""`SpanFlags`: whether the parent, or the linked span, is in another process, and that this is known."""
_CHUNK = 20
_MAX_CACHED_LENGTH = 256
"""Characters of a cached value: the cache takes a megabyte or so at most."""
_CACHE_SIZE = 4096
_MAX_VALUES_PER_KEY = 128
"""Cached values of one key: further ones, as of a time or an id, are not likely to repeat."""
_MAX_CACHED_INTEGER = 65_535
"""Integers up to this are likely to repeat: status codes, ports, rates."""
_cache: dict[tuple[str, str | int], str] = {}
"""Encoded attributes. A plain dict: `lru_cache` costs as much as encoding does."""
_value_counts: dict[str, int] = {}
"""How many values of each key are cached."""
_NO_STATUS = '{"code":0}'


def encode(resource: Resource, spans: Sequence[LightSpan]) -> bytes:
    """Return the body of one `POST /v1/traces`. Encodes in paced chunks, so that request threads can run."""
    # By identity: hashing a scope is slow, and two scopes may have one name.
    scopes: dict[int, InstrumentationScope | None] = {}
    by_scope: dict[int, list[bytes]] = {}
    for chunk in paced_chunks(spans, _CHUNK):
        for span in chunk:
            scope = span.instrumentation_scope
            if id(scope) not in scopes:
                scopes[id(scope)], by_scope[id(scope)] = scope, []
            by_scope[id(scope)].append(_span(span).encode())
    scope_spans = b",".join(_scope_spans(scope, by_scope[key]) for key, scope in scopes.items())
    resource_json = f'{{"attributes":{_attributes(resource.attributes)}}}'
    return b"".join((f'{{"resourceSpans":[{{"resource":{resource_json},"scopeSpans":['.encode(), scope_spans, b"]}]}"))


def _scope_spans(scope: InstrumentationScope | None, spans: Sequence[bytes]) -> bytes:
    name, version = (scope.name, scope.version or "") if scope else ("", "")
    fields = f'"name":{_string(name)},"version":{_string(version)}'
    if scope and scope.attributes:
        fields += f',"attributes":{_attributes(scope.attributes)}'
    schema = f',"schemaUrl":{_string(scope.schema_url)}' if scope and scope.schema_url else ""
    return b"".join((f'{{"scope":{{{fields}}},"spans":['.encode(), b",".join(spans), f"]{schema}}}".encode()))


def _span(span: LightSpan) -> str:
    optional, status = ("", _NO_STATUS) if span.is_plain else (_optional_fields(span), _status(span))
    return (
        f'{{"traceId":"{trace_hex(span.trace_id)}","spanId":"{span_hex(span.span_id)}",{_parent(span)}'
        f'"name":{_name(span.name)},"kind":{_KINDS[span.kind]},'
        f'"startTimeUnixNano":"{span.start_time:d}","endTimeUnixNano":"{span.end_time:d}",'
        f'{optional}"attributes":{_attributes(span.raw_attributes, span.sampling.rate)},"status":{status}}}'
    )


def _parent(span: LightSpan) -> str:
    if not span.parent_id:
        return f'"flags":{_LOCAL},'
    flags = _REMOTE if span.has_remote_parent else _LOCAL
    return f'"parentSpanId":"{span_hex(span.parent_id)}","flags":{flags},'


def _optional_fields(span: LightSpan) -> str:
    """Return the fields that most spans lack: events, links, trace state and counts of dropped items."""
    fields = ""
    if span.events:
        fields += f'"events":[{",".join(map(_event, span.events))}],'
    if span.links:
        fields += f'"links":[{",".join(map(_link, span.links))}],'
    if span.trace_state:
        fields += f'"traceState":{_string(span.trace_state.to_header())},'
    dropped = {"Attributes": span.dropped_attributes, "Events": span.dropped_events, "Links": span.dropped_links}
    if any(dropped.values()):
        fields += "".join(f'"dropped{kind}Count":{count},' for kind, count in dropped.items())
    return fields


def _status(span: LightSpan) -> str:
    status = span.status
    message = f',"message":{_string(status.description)}' if status.description else ""
    return f'{{"code":{_STATUS[status.status_code]}{message}}}'


def _event(event: Event) -> str:
    attributes, dropped = _attributes(event.attributes or {}), event.dropped_attributes
    fields = f'"name":{_string(event.name)},"timeUnixNano":"{event.timestamp:d}","attributes":{attributes}'
    return f'{{{fields},"droppedAttributesCount":{dropped}}}' if dropped else f"{{{fields}}}"


def _link(link: Link) -> str:
    context, attributes, dropped = link.context, _attributes(link.attributes or {}), link.dropped_attributes
    flags = _REMOTE if context.is_remote else _LOCAL
    fields = f'"traceId":"{context.trace_id:032x}","spanId":"{context.span_id:016x}","flags":{flags}'
    return f'{{{fields},"attributes":{attributes},"droppedAttributesCount":{dropped}}}'


def _attributes(attributes: Mapping[str, Any], rate: int = 1) -> str:
    items = []
    for each in attributes.items():
        # By type: 1, 1.0 and True are the same key of a dict.
        if type(each[1]) is str or type(each[1]) is int:
            items.append(_cache.get(each) or _encode_attribute(*each))
        else:
            items.append(f"{_key(each[0])}{_value(each[1])}}}")
    if rate > 1:
        items.append(_cache.get((SAMPLE_RATE, rate)) or _encode_attribute(SAMPLE_RATE, rate))
    return f"[{','.join(items)}]"


def _encode_attribute(key: str, value: str | int) -> str:
    encoded = f"{_key(key)}{_value(value)}}}"
    count = _value_counts.get(key, 0)
    is_cacheable = len(value) <= _MAX_CACHED_LENGTH if isinstance(value, str) else 0 <= value <= _MAX_CACHED_INTEGER
    if is_cacheable and count < _MAX_VALUES_PER_KEY:
        if len(_cache) >= _CACHE_SIZE:
            _cache.clear()
            _value_counts.clear()
            count = 0
        _cache[key, value] = encoded
        _value_counts[key] = count + 1
    return encoded


@lru_cache(maxsize=_CACHE_SIZE)
def _key(key: str) -> str:
    return f'{{"key":{_string(key)},"value":'


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return _string(name)


def _value(value: object) -> str:
    if isinstance(value, str):
        return f'{{"stringValue":{_string(value)}}}'
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return f'{{"arrayValue":{{"values":[{",".join(map(_value, value))}]}}}}'
    if isinstance(value, Mapping):
        return f'{{"kvlistValue":{{"values":{_attributes(value)}}}}}'
    return f'{{"bytesValue":"{b64encode(value).decode()}"}}' if isinstance(value, bytes) else "{}"


def _number(value: float) -> str:
    if isinstance(value, bool):
        return '{"boolValue":true}' if value else '{"boolValue":false}'
    if isinstance(value, int):
        return f'{{"intValue":"{value}"}}'
    return f'{{"doubleValue":{value!r}}}' if math.isfinite(value) else f'{{"doubleValue":"{_NON_FINITE[repr(value)]}"}}'


_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""The JSON Protobuf encoding of doubles that JSON cannot represent."""


def _string(value: object) -> str:
    try:
        return orjson.dumps(value if type(value) is str else text(value)).decode()
    except TypeError:  # lone surrogates, which UTF-8 cannot carry
        return orjson.dumps(text(value)).decode()
