"""Decode OTLP trace exports, JSON or protobuf, into flat spans.

Source of the format: opentelemetry-proto, `trace.proto`, and the OTLP specification's section
"JSON Protobuf Encoding" (ids are hexadecimal, not base64; enumerations are numbers; field names are lowerCamelCase).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"

KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES: Final = ("unset", "ok", "error")
ID_DIGITS: Final = (32, 16)
GZIP_WINDOW: Final = zlib.MAX_WBITS | 16

Span = dict[str, Any]


class UnreadableExportError(ValueError):
    """A body that does not match its content type and encoding."""


def decompress(body: bytes, max_bytes: int) -> bytes:
    """Decompress gzip data. Raises `UnreadableExportError` when it is broken or exceeds `max_bytes`."""
    decompressor = zlib.decompressobj(GZIP_WINDOW)
    try:
        data = decompressor.decompress(body, max_bytes)
    except zlib.error as error:
        raise UnreadableExportError(f"not gzip: {error}") from error
    if not decompressor.eof:
        raise UnreadableExportError(f"gzip data is cut short or larger than {max_bytes} bytes")
    return data


def read_spans(body: bytes, content_type: str) -> list[Span]:
    """Return the spans of an export request. Raises `UnreadableExportError`."""
    try:
        export, to_hex = _decode(body, content_type)
        return list(_flatten(export, to_hex))
    except (DecodeError, orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableExportError(f"not an OTLP trace export: {type(error).__name__}: {error}") from error


def _decode(body: bytes, content_type: str) -> tuple[dict[str, Any], Callable[[str], str]]:
    if content_type == JSON:
        return orjson.loads(body), _validated_hex
    message = ExportTraceServiceRequest.FromString(body)
    return MessageToDict(message, use_integers_for_enums=True), lambda text: base64.b64decode(text).hex()


def _validated_hex(text: str) -> str:
    return bytes.fromhex(text).hex()


def _flatten(export: dict[str, Any], to_hex: Callable[[str], str]) -> Iterator[Span]:
    for resource_spans in export.get("resourceSpans", []):
        resource = attributes(resource_spans.get("resource", {}).get("attributes", []))
        for scope_spans in resource_spans.get("scopeSpans", []):
            scope = scope_spans.get("scope", {}).get("name", "")
            for span in scope_spans.get("spans", []):
                yield _span(span, to_hex) | {"scope": scope, "resource": resource}


def _span(span: dict[str, Any], to_hex: Callable[[str], str]) -> Span:
    trace_id, span_id = to_hex(span["traceId"]), to_hex(span["spanId"])
    if (len(trace_id), len(span_id)) != ID_DIGITS:
        raise ValueError(f"trace id {trace_id!r} and span id {span_id!r} must have {ID_DIGITS} hex digits")
    status = span.get("status", {})
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": to_hex(span.get("parentSpanId", "")) or None,
        "name": span.get("name", ""),
        "kind": KINDS[int(span.get("kind", 0))],
        "start_ns": int(span.get("startTimeUnixNano", 0)),
        "end_ns": int(span.get("endTimeUnixNano", 0)),
        "attributes": attributes(span.get("attributes", [])),
        "status": {"code": STATUSES[int(status.get("code", 0))], "message": status.get("message", "")},
        "events": [_event(event) for event in span.get("events", [])],
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": event.get("name", ""),
        "time_ns": int(event.get("timeUnixNano", 0)),
        "attributes": attributes(event.get("attributes", [])),
    }


def attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return OTLP's list of keys and typed values as a mapping."""
    return {pair["key"]: _value(pair.get("value", {})) for pair in pairs}


def _value(any_value: dict[str, Any]) -> object:
    for kind, value in any_value.items():
        match kind:
            case "intValue":
                return int(value)
            case "arrayValue":
                return [_value(each) for each in value.get("values", [])]
            case "kvlistValue":
                return attributes(value.get("values", []))
            case _:
                return value
    return None
