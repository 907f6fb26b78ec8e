"""Read and write spans as OTLP JSON.

Source of the format: opentelemetry-proto, `trace.proto`, and the OTLP specification's section "JSON Protobuf Encoding"
(ids are hexadecimal, not base64; enumerations are numbers; 64-bit integers are strings; names are lowerCamelCase).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from operations.traces.document import Json
from operations.traces.records import TOO_DEEP

KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES: Final = ("unset", "ok", "error")
_ID_DIGITS: Final = (32, 16)
_MAX_DEPTH: Final = 40
"""Of a value: each level takes four of the export, of which orjson writes 254."""
MALFORMED: Final = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""What `spans_of` raises for an export of another shape."""


def validated_hex(text: str) -> str:
    """Return an id in lower case. Raises `ValueError` for what is not hexadecimal."""
    return bytes.fromhex(text).hex()


def spans_of(export: Json, to_hex: Callable[[str], str] = validated_hex) -> Iterator[Json]:
    """Yield the spans of an export request, as `PlaceContent` describes them. Raises one of `MALFORMED`."""
    for resource_spans in export.get("resourceSpans", []):
        resource = attributes(resource_spans.get("resource", {}).get("attributes", []))
        for scope_spans in resource_spans.get("scopeSpans", []):
            scope = scope_spans.get("scope", {}).get("name", "")
            for span in scope_spans.get("spans", []):
                yield _span(span, to_hex) | {"scope": scope, "resource": resource}


def _span(span: Json, to_hex: Callable[[str], str]) -> Json:
    trace_id, span_id = to_hex(span["traceId"]), to_hex(span["spanId"])
    if (len(trace_id), len(span_id)) != _ID_DIGITS:
        raise ValueError(f"trace id {trace_id!r} and span id {span_id!r} must have {_ID_DIGITS} hex digits")
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


def _event(event: Json) -> Json:
    return {
        "name": event.get("name", ""),
        "time_ns": int(event.get("timeUnixNano", 0)),
        "attributes": attributes(event.get("attributes", [])),
    }


def attributes(pairs: Sequence[Json]) -> Json:
    """Return OTLP's list of keys and typed values as a mapping."""
    return {pair["key"]: _value(pair.get("value", {})) for pair in pairs}


def _value(any_value: Json) -> object:
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


def export_of(spans: Sequence[Json]) -> Json:
    """Return spans, as `records.spans` returns them, as the export request that a collector would send."""
    resources: dict[str, tuple[Json, dict[str, list[Json]]]] = {}
    for span in spans:
        resource = span["resource"]
        _, scopes = resources.setdefault(repr(sorted(resource.items())), (resource, {}))
        scopes.setdefault(span["scope"], []).append(_exported(span))
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _pairs(resource)},
                "scopeSpans": [{"scope": {"name": name}, "spans": each} for name, each in scopes.items()],
            }
            for resource, scopes in resources.values()
        ]
    }


def _exported(span: Json) -> Json:
    status, message = span["status"], span["status"]["message"]
    exported = {
        "traceId": span["trace_id"],
        "spanId": span["span_id"],
        "parentSpanId": span["parent_span_id"] or "",
        "name": span["name"],
        "kind": _number_of(KINDS, span["kind"]),
        "startTimeUnixNano": str(span["start_ns"]),
        "endTimeUnixNano": str(span["end_ns"]),
        "attributes": _pairs(span["attributes"]),
        "events": [
            {
                "name": each["name"],
                "timeUnixNano": str(each["time_ns"]),
                "attributes": _pairs(each["attributes"]),
            }
            for each in span["events"]
        ],
        "status": {"code": _number_of(STATUSES, status["code"]), **({"message": message} if message else {})},
    }
    return {name: value for name, value in exported.items() if value not in ("", [])}


def _number_of(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else 0


def _pairs(values: Mapping[str, Any], depth: int = 0) -> list[Json]:
    return [{"key": name, "value": _any_value(value, depth)} for name, value in values.items()]


def _any_value(value: Any, depth: int) -> Json:  # noqa: ANN401, PLR0911 - any JSON, and one return for each type
    if depth > _MAX_DEPTH:
        return {"stringValue": TOO_DEEP}
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_any_value(each, depth + 1) for each in value]}}
        case dict():
            return {"kvlistValue": {"values": _pairs(value, depth + 1)}}
        case _:
            return {"stringValue": str(value)}
