"""Encode finished spans as OTLP/HTTP JSON.

The mapping is the OpenTelemetry Protocol specification's "JSON Protobuf Encoding": ids in hex, 64-bit
integers as strings, enum values as numbers.

The text is put together here and not from dicts: most attributes of a span were written for one before, and are kept.
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
_STRETCH = 20
_LONGEST_KEPT = 256
"""Characters of a value that is kept written: with as many as are kept, a megabyte or so."""
_KEPT = 4096
_VALUES_KEPT = 128
"""Of one key: one that has had so many values, as a time or an id has, is written anew each time."""
_LARGEST_KEPT = 65_535
"""Of integers those that come again are kept: status codes, ports, rates."""
_written: dict[tuple[str, str | int], str] = {}
"""Attributes as they were written before; a plain dict, as a function's cache costs as much as the writing."""
_values_of: dict[str, int] = {}
"""How many values of a key are kept."""
_NO_STATUS = '{"code":0}'


def encode(resource: Resource, spans: Sequence[LightSpan]) -> bytes:
    """Return the body of one `POST /v1/traces`, and let other threads run now and then while it is made."""
    # By identity: a scope's own hash is dear, and two of a name may stand side by side.
    scopes: dict[int, InstrumentationScope | None] = {}
    by_scope: dict[int, list[bytes]] = {}
    for stretch in paced_chunks(spans, _STRETCH):
        for span in stretch:
            scope = span.instrumentation_scope
            if id(scope) not in scopes:
                scopes[id(scope)], by_scope[id(scope)] = scope, []
            by_scope[id(scope)].append(_span(span).encode())
    within = b",".join(_scope_spans(scope, by_scope[which]) for which, scope in scopes.items())
    whose = f'{{"attributes":{_attributes(resource.attributes)}}}'
    return b"".join((f'{{"resourceSpans":[{{"resource":{whose},"scopeSpans":['.encode(), within, b"]}]}"))


def _scope_spans(scope: InstrumentationScope | None, spans: Sequence[bytes]) -> bytes:
    name, version = (scope.name, scope.version or "") if scope else ("", "")
    said = f'"name":{_string(name)},"version":{_string(version)}'
    if scope and scope.attributes:
        said += f',"attributes":{_attributes(scope.attributes)}'
    schema = f',"schemaUrl":{_string(scope.schema_url)}' if scope and scope.schema_url else ""
    return b"".join((f'{{"scope":{{{said}}},"spans":['.encode(), b",".join(spans), f"]{schema}}}".encode()))


def _span(span: LightSpan) -> str:
    rare, status = ("", _NO_STATUS) if span.is_plain else (_rare(span), _status(span))
    return (
        f'{{"traceId":"{trace_hex(span.trace_id)}","spanId":"{span_hex(span.span_id)}",{_parent(span)}'
        f'"name":{_name(span.name)},"kind":{_KINDS[span.kind]},'
        f'"startTimeUnixNano":"{span.start_time:d}","endTimeUnixNano":"{span.end_time:d}",'
        f'{rare}"attributes":{_attributes(span.raw_attributes, span.sampling.rate)},"status":{status}}}'
    )


def _parent(span: LightSpan) -> str:
    if not span.parent_id:
        return f'"flags":{_LOCAL},'
    flags = _REMOTE if span.has_remote_parent else _LOCAL
    return f'"parentSpanId":"{span_hex(span.parent_id)}","flags":{flags},'


def _rare(span: LightSpan) -> str:
    """Return what most spans have nothing of."""
    said = ""
    if span.events:
        said += f'"events":[{",".join(map(_event, span.events))}],'
    if span.links:
        said += f'"links":[{",".join(map(_link, span.links))}],'
    if span.trace_state:
        said += f'"traceState":{_string(span.trace_state.to_header())},'
    dropped = {"Attributes": span.dropped_attributes, "Events": span.dropped_events, "Links": span.dropped_links}
    if any(dropped.values()):
        said += "".join(f'"dropped{what}Count":{count},' for what, count in dropped.items())
    return said


def _status(span: LightSpan) -> str:
    status = span.status
    message = f',"message":{_string(status.description)}' if status.description else ""
    return f'{{"code":{_STATUS[status.status_code]}{message}}}'


def _event(event: Event) -> str:
    attributes, dropped = _attributes(event.attributes or {}), event.dropped_attributes
    said = f'"name":{_string(event.name)},"timeUnixNano":"{event.timestamp:d}","attributes":{attributes}'
    return f'{{{said},"droppedAttributesCount":{dropped}}}' if dropped else f"{{{said}}}"


def _link(link: Link) -> str:
    context, attributes, dropped = link.context, _attributes(link.attributes or {}), link.dropped_attributes
    flags = _REMOTE if context.is_remote else _LOCAL
    said = f'"traceId":"{context.trace_id:032x}","spanId":"{context.span_id:016x}","flags":{flags}'
    return f'{{{said},"attributes":{attributes},"droppedAttributesCount":{dropped}}}'


def _attributes(attributes: Mapping[str, Any], rate: int = 1) -> str:
    written = []
    for each in attributes.items():
        # By type: 1, 1.0 and True are the same key of a dict.
        if type(each[1]) is str or type(each[1]) is int:
            written.append(_written.get(each) or _write(*each))
        else:
            written.append(f"{_key(each[0])}{_value(each[1])}}}")
    if rate > 1:
        written.append(_written.get((SAMPLE_RATE, rate)) or _write(SAMPLE_RATE, rate))
    return f"[{','.join(written)}]"


def _write(key: str, value: str | int) -> str:
    made = f"{_key(key)}{_value(value)}}}"
    known = _values_of.get(key, 0)
    may_come_again = len(value) <= _LONGEST_KEPT if isinstance(value, str) else 0 <= value <= _LARGEST_KEPT
    if may_come_again and known < _VALUES_KEPT:
        if len(_written) >= _KEPT:
            _written.clear()
            _values_of.clear()
            known = 0
        _written[key, value] = made
        _values_of[key] = known + 1
    return made


@lru_cache(maxsize=_KEPT)
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
    return f'{{"doubleValue":{value!r}}}' if math.isfinite(value) else f'{{"doubleValue":"{_NAMES[repr(value)]}"}}'


_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""How JSON Protobuf writes the doubles that JSON has no number for."""


def _string(value: object) -> str:
    try:
        return orjson.dumps(value if type(value) is str else text(value)).decode()
    except TypeError:  # lone surrogates, which UTF-8 cannot carry
        return orjson.dumps(text(value)).decode()
