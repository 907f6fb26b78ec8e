"""Decode OTLP trace exports, JSON or protobuf, gzipped or not, into flat spans."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any, Final

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from operations.traces.otlp import MALFORMED, spans_of, validated_hex

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"

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
        return list(spans_of(export, to_hex))
    except (DecodeError, *MALFORMED) as error:
        raise UnreadableExportError(f"not an OTLP trace export: {type(error).__name__}: {error}") from error


def _decode(body: bytes, content_type: str) -> tuple[dict[str, Any], Callable[[str], str]]:
    if content_type == JSON:
        return orjson.loads(body), validated_hex
    message = ExportTraceServiceRequest.FromString(body)
    return MessageToDict(message, use_integers_for_enums=True), lambda text: base64.b64decode(text).hex()
