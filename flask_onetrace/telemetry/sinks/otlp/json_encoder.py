"""Encode finished spans as OTLP/HTTP JSON.

The mapping is the OpenTelemetry Protocol specification's "JSON Protobuf Encoding": ids in hex, 64-bit
integers as strings, enum values as numbers.

The JSON is built from strings, not dicts: most attributes repeat those of earlier spans, and come from a cache.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, StatusCode

from flask_onetrace.telemetry.export.gil_pacing import paced_chunks
from flask_onetrace.telemetry.plain import INTEGERS, exact_integer, text, type_name
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.span import LightSpan

logger = safe_logger(__name__)

SAMPLE_RATE = "SampleRate"
"""Honeycomb multiplies a span by this integer attribute ("Sampling", Honeycomb's documentation)."""

_INTERNAL, _SERVER = SpanKind.INTERNAL, SpanKind.SERVER
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


def encode(resource: Resource, spans: Sequence[LightSpan], failures: list[BaseException] | None = None) -> bytes:
    """Return the body of one `POST /v1/traces`. Encodes in paced chunks, so that request threads can run.

    A span that cannot be encoded is left out, and the reason is appended to `failures`.
    """
    failures = [] if failures is None else failures
    # By identity: hashing a scope is slow, and two scopes may have one name.
    scopes: dict[int, InstrumentationScope | None] = {}
    by_scope: dict[int, list[bytes]] = {}
    for chunk in paced_chunks(spans, _CHUNK):
        for span in chunk:
            scope = span.instrumentation_scope
            if id(scope) not in scopes:
                scopes[id(scope)], by_scope[id(scope)] = scope, []
            try:
                by_scope[id(scope)].append(_span(span).encode())
            except BaseException as error:  # noqa: BLE001 - a span is plain data when it is queued: this is the last net
                failures.append(error)
    scope_spans = b",".join(_scope_spans(scope, by_scope[key]) for key, scope in scopes.items())
    resource_json = f'{{"attributes":{_attributes(resource.attributes)}}}'
    return b"".join((f'{{"resourceSpans":[{{"resource":{resource_json},"scopeSpans":['.encode(), scope_spans, b"]}]}"))


def _scope_spans(scope: InstrumentationScope | None, spans: Sequence[bytes]) -> bytes:
    name, version = (scope.name, scope.version or "") if scope is not None else ("", "")
    fields = f'"name":{_string(name)},"version":{_string(version)}'
    if scope and scope.attributes:
        fields += f',"attributes":{_attributes(scope.attributes)}'
    schema = f',"schemaUrl":{_string(scope.schema_url)}' if scope and scope.schema_url else ""
    return b"".join((f'{{"scope":{{{fields}}},"spans":['.encode(), b",".join(spans), f"]{schema}}}".encode()))


def _span(span: LightSpan) -> str:
    """Return the span; the ids' digits are those of `ids`, without calls."""
    optional, status = ("", _NO_STATUS) if span.is_plain else (_optional_fields(span), _status(span))
    if span.parent_id:
        flags = _REMOTE if span.has_remote_parent else _LOCAL
        parent = f'"parentSpanId":"{span.parent_id.to_bytes(8, "big").hex()}","flags":{flags},'
    else:
        parent = f'"flags":{_LOCAL},'
    kind = span.kind
    # The most frequent by identity: hashing a member of an enum takes a call.
    number = 1 if kind is _INTERNAL else 2 if kind is _SERVER else _KINDS[kind]
    return (
        f'{{"traceId":"{span.trace_id.to_bytes(16, "big").hex()}",'
        f'"spanId":"{span.span_id.to_bytes(8, "big").hex()}",{parent}'
        f'"name":{_name(span.name)},"kind":{number},'
        f'"startTimeUnixNano":"{span.start_time:d}","endTimeUnixNano":"{span.end_time:d}",'
        f'{optional}"attributes":{_attributes(span.raw_attributes, span.sampling.rate)},"status":{status}}}'
    )


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
    try:
        for each in attributes.items():
            # By type: 1, 1.0 and True are the same key of a dict.
            if type(each[1]) is str or type(each[1]) is int:
                items.append(_cache.get(each) or _encode_attribute(*each))
            else:
                items.append(f"{_key(each[0])}{_value(each[1])}}}")
    except (TypeError, OverflowError):
        items = list(_encodable(attributes))
    if rate > 1:
        items.append(_cache.get((SAMPLE_RATE, rate)) or _encode_attribute(SAMPLE_RATE, rate))
    return f"[{','.join(items)}]"


def _encodable(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Yield each attribute that can be encoded, as OpenTelemetry's encoder does.

    The others are those of a resource or a scope, whose values are as they came.
    """
    for key, value in attributes.items():
        try:
            yield f"{_key(text(key))}{_value(value)}}}"
        except (TypeError, OverflowError):
            logger.warning("attribute %s of type %s is left out: it cannot be encoded", text(key), type_name(value))


def _encode_attribute(key: str, value: str | int) -> str:
    encoded = f"{_key(key)}{_EXACT[type(value)](value)}}}"
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
    """Return an `AnyValue`, by the type of the value. Raises `TypeError` and `OverflowError` for what has none."""
    kind = type(value)
    encode_exactly = _EXACT.get(kind)
    if encode_exactly is not None:
        return encode_exactly(value)
    if issubclass(kind, str):
        return _text_value(text(value))
    if issubclass(kind, int):
        return _integer_value(exact_integer(value))
    if issubclass(kind, float):
        return _float_value(float.__float__(value))  # type: ignore[arg-type]  # known by its class
    if isinstance(value, Mapping):
        return _mapping_value(value)
    if isinstance(value, Sequence):
        return _sequence_value(value)
    raise TypeError(f"no value of OTLP: {kind}")


def _text_value(value: str) -> str:
    return f'{{"stringValue":{_string(value)}}}'


def _bool_value(value: bool) -> str:  # noqa: FBT001 - what is encoded
    return '{"boolValue":true}' if value else '{"boolValue":false}'


def _integer_value(value: int) -> str:
    if value not in INTEGERS:
        raise OverflowError("an integer of more than 64 bits")
    return f'{{"intValue":"{value}"}}'


def _float_value(value: float) -> str:
    return f'{{"doubleValue":{value!r}}}' if math.isfinite(value) else f'{{"doubleValue":"{_NON_FINITE[repr(value)]}"}}'


def _bytes_value(value: bytes) -> str:
    return f'{{"bytesValue":"{b64encode(value).decode()}"}}'


def _sequence_value(value: Sequence[Any]) -> str:
    return f'{{"arrayValue":{{"values":[{",".join(map(_value, value))}]}}}}'


def _mapping_value(value: Mapping[str, Any]) -> str:
    return f'{{"kvlistValue":{{"values":{_attributes(value)}}}}}'


_EXACT: dict[type, Callable[[Any], str]] = {
    str: _text_value,
    bool: _bool_value,
    int: _integer_value,
    float: _float_value,
    bytes: _bytes_value,
    list: _sequence_value,
    tuple: _sequence_value,
    dict: _mapping_value,
    type(None): lambda _: "{}",
}
_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""The JSON Protobuf encoding of doubles that JSON cannot represent."""


def _string(value: object) -> str:
    try:
        return orjson.dumps(value if type(value) is str else text(value)).decode()
    except TypeError:  # lone surrogates, which UTF-8 cannot carry
        return orjson.dumps(text(value)).decode()
