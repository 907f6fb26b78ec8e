"""Validate a browser's spans by parsing all of them: only what was understood is forwarded.

Both encodings of "OTLP/HTTP Request" (OpenTelemetry Protocol specification) are parsed into one message, and
serialized again.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

import orjson

from service.contract import FRONTEND_SERVICE_NAME

MAX_SPANS: Final = 512
_ID_LENGTHS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


class MalformedSpansError(ValueError):
    """The body is not an export request, or not the page's."""


class TooManySpansError(ValueError):
    """The body holds more spans than one request may."""


def validated(body: bytes, *, as_json: bool) -> bytes:
    """Return `body` as the protobuf of an `ExportTraceServiceRequest`.

    Raises `MalformedSpansError` for a body that cannot be parsed, or names another service than the page's, and
    `TooManySpansError` beyond 512 spans.
    """
    message = _from_json(body) if as_json else _from_protobuf(body)
    count = 0
    for resource_spans in message.resource_spans:
        if _service_name(resource_spans.resource.attributes) != FRONTEND_SERVICE_NAME:
            raise MalformedSpansError(f"only spans of the service {FRONTEND_SERVICE_NAME} are accepted")
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                _check(span)
                count += 1
    if count > MAX_SPANS:
        raise TooManySpansError(f"{count} spans are too many")
    serialized: bytes = message.SerializeToString()
    return serialized


def _service_name(attributes: Any) -> str | None:  # noqa: ANN401 - generated messages have no types here
    names = [each.value.string_value for each in attributes if each.key == "service.name"]
    return names[0] if len(names) == 1 else None


def _check(span: Any) -> None:  # noqa: ANN401 - as above
    has_ids = len(span.trace_id) == 16 and any(span.trace_id) and len(span.span_id) == 8 and any(span.span_id)  # noqa: PLR2004 - bytes of the ids
    if not has_ids or len(span.parent_span_id) not in {0, 8}:
        raise MalformedSpansError("a span's ids must have 16 and 8 bytes, and not be 0")
    if not span.name:
        raise MalformedSpansError("a span has no name")


def _from_protobuf(body: bytes) -> Any:  # noqa: ANN401 - as above
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - costly, and only where browsers send spans

    try:
        return _new_message().FromString(body)
    except DecodeError as error:
        raise MalformedSpansError("invalid protobuf") from error


def _from_json(body: bytes) -> Any:  # noqa: ANN401 - as above
    from google.protobuf.json_format import ParseDict, ParseError  # noqa: PLC0415 - as above

    try:
        document = orjson.loads(body)
        for span in _spans_of(document):
            _translate_ids(span)
        return ParseDict(document, _new_message()(), ignore_unknown_fields=True)
    except MalformedSpansError:
        raise
    except orjson.JSONDecodeError as error:
        raise MalformedSpansError(f"invalid JSON ({error})") from error
    except ParseError as error:
        raise MalformedSpansError(f"JSON of another schema ({_shortened(error)})") from error
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise MalformedSpansError("JSON of another schema") from error


def _new_message() -> Any:  # noqa: ANN401 - as above
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 - as above
        ExportTraceServiceRequest,
    )

    return ExportTraceServiceRequest


def _spans_of(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield each object that holds ids: OTLP has them in hex, where protobuf's own JSON would have base64."""
    for resource_spans in document.get("resourceSpans") or ():
        for scope_spans in resource_spans.get("scopeSpans") or ():
            for span in scope_spans.get("spans") or ():
                yield span
                yield from span.get("links") or ()


def _translate_ids(span: dict[str, Any]) -> None:
    for name, length in _ID_LENGTHS.items():
        if digits := span.get(name):
            if len(digits) != length:
                raise MalformedSpansError(f"a {name} must have {length} digits")
            span[name] = b64encode(bytes.fromhex(digits)).decode()


def _shortened(error: Exception) -> str:
    return str(error)[:200]
