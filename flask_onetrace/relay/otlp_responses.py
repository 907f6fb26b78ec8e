"""Answer export requests ("OTLP/HTTP Response", OpenTelemetry Protocol specification)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from flask import Response

PROTOBUF: Final = "application/x-protobuf"
_JSON = "application/json"


class RefusedError(Exception):
    """A request of which nothing is forwarded. `reason` is what is counted: the status, and one of a few words."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = f"{status} {reason}"
        self.message = message
        # What is refused is mostly unread, and a server that keeps the connection would read all of it.
        self.headers = {"Connection": "close", **(headers or {})}
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


def refusal(error: RefusedError, content_type: str) -> Response:
    """Return a `Status` with the message; in JSON also the form that the service's other errors have."""
    if content_type == PROTOBUF:
        body = _protobuf_text(2, error.message)
    else:
        content_type = _JSON
        described = {"status": error.status, "name": HTTPStatus(error.status).phrase, "message": error.message}
        body = orjson.dumps({"message": error.message, "error": described})
    return Response(body, error.status, error.headers, content_type=content_type)


def success(content_type: str, rejected: int, reason: str | None) -> Response:
    """Return an `ExportTraceServiceResponse`, which counts the `rejected` spans and names the first `reason`."""
    if content_type == PROTOBUF:
        return Response(_protobuf_response(rejected, reason), 200, content_type=PROTOBUF)
    partial = {"partialSuccess": {"rejectedSpans": rejected, "errorMessage": reason}} if rejected else {}
    return Response(orjson.dumps(partial), 200, content_type=_JSON)


def _protobuf_response(rejected: int, reason: str | None) -> bytes:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 - costly, and rarely wanted
        ExportTraceServiceResponse,
    )

    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = reason or ""
    serialized: bytes = response.SerializeToString()
    return serialized


def _protobuf_text(field: int, text: str) -> bytes:
    """Return a message with one text, shorter than 16 KiB ("Encoding", protobuf's documentation)."""
    encoded = text.encode()
    length = len(encoded)
    prefix = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])  # noqa: PLR2004 - 7 bits a byte
    return bytes([field << 3 | 2]) + prefix + encoded
