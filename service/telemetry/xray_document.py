"""Build X-Ray segment documents from finished spans ("AWS X-Ray segment documents", X-Ray Developer Guide)."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from service.telemetry.ids import span_context, span_hex, xray_trace_id

ORIGIN = "AWS::ECS::Fargate"
_NANOSECONDS = 1_000_000_000
_MAX_FRAMES = 50
_SERVER_ERROR, _CLIENT_ERROR, _THROTTLED = 500, 400, 429

_REQUEST_FIELDS = {
    "http.request.method": "method",
    "user_agent.original": "user_agent",
    "client.address": "client_ip",
}
_NAME_ALPHABET = frozenset("_.:/%&#=+\\-@ ")


class Facts(NamedTuple):
    """What every segment of one process says about the service."""

    name: str
    version: str
    environment: str
    log_group: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSource:
    """A span, the spans within it, and what the X-Ray SDK's API added to them (by span id)."""

    root: ReadableSpan
    inner: Sequence[ReadableSpan] = ()
    entities: Mapping[int, Any] = field(default_factory=dict)
    segment: Any = None
    forwarded: bool = False
    """Whether the client's address is from `X-Forwarded-For`, which anyone can write."""
    user: str | None = None
    error: BaseException | None = None
    rollbar_uuid: str | None = None


def encode(source: SegmentSource, facts: Facts) -> bytes:
    """Return the JSON of the segment; of a late inner span, the JSON of an independent subsegment."""
    return orjson.dumps(document(source, facts), default=str, option=orjson.OPT_NON_STR_KEYS)


def document(source: SegmentSource, facts: Facts) -> dict[str, Any]:
    """Return the document as a dictionary."""
    span = source.root
    children: dict[int, list[ReadableSpan]] = {}
    known = {span_context(each).span_id for each in source.inner}
    root_id = span_context(span).span_id
    for each in source.inner:
        parent = each.parent.span_id if each.parent else root_id
        children.setdefault(parent if parent in known else root_id, []).append(each)
    if span.kind is SpanKind.INTERNAL and span.parent is not None:
        made = {**_subsegment(span, children, source.entities), "type": "subsegment"}
        return {**made, "trace_id": _trace_id(span), "parent_id": span_hex(span.parent.span_id)}
    return _segment(source, facts, children)


def _segment(source: SegmentSource, facts: Facts, children: Mapping[int, list[ReadableSpan]]) -> dict[str, Any]:
    span = source.root
    made: dict[str, Any] = {
        **_common(span, facts.name),
        "trace_id": _trace_id(span),
        "origin": ORIGIN,
        "service": {"version": facts.version},
        "aws": _aws(facts),
        **_http(span),
    }
    if span.parent is not None:
        made["parent_id"] = span_hex(span.parent.span_id)
    if source.forwarded:
        made["http"]["request"]["x_forwarded_for"] = True
    if source.user is not None:
        made["user"] = source.user
    if source.error is not None:
        made["cause"] = _cause(source.error, span_hex(span_context(span).span_id))
    if source.rollbar_uuid is not None:
        made["annotations"] = {"rollbar_uuid": source.rollbar_uuid}
    _merge(made, source.segment)
    inner = [_subsegment(each, children, source.entities) for each in children.get(span_context(span).span_id, ())]
    if inner:
        made["subsegments"] = inner
    return made


def _subsegment(
    span: ReadableSpan, children: Mapping[int, list[ReadableSpan]], entities: Mapping[int, Any]
) -> dict[str, Any]:
    span_id = span_context(span).span_id
    made = _common(span, segment_name(span.name))
    entity = entities.get(span_id)
    if span.kind is SpanKind.CLIENT:
        made |= {"namespace": "remote", **_http(span)}
        made["name"] = segment_name(str((span.attributes or {}).get("server.address") or span.name))
    elif entity is None and span.attributes:
        made["metadata"] = {"default": dict(span.attributes)}
    if span.status.status_code is StatusCode.ERROR:
        made.setdefault("fault", True)
    exceptions = [dict(event.attributes or {}) for event in span.events if event.name == "exception"]
    if exceptions and entity is None:
        made["cause"] = {
            "working_directory": "",
            "exceptions": [_recorded(each, span_id + number) for number, each in enumerate(exceptions)],
        }
    _merge(made, entity)
    inner = [_subsegment(each, children, entities) for each in children.get(span_id, ())]
    if inner:
        made["subsegments"] = inner
    return made


def _common(span: ReadableSpan, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "id": span_hex(span_context(span).span_id),
        "start_time": (span.start_time or 0) / _NANOSECONDS,
        "end_time": (span.end_time or 0) / _NANOSECONDS,
    }


def segment_name(text: str) -> str:
    """Return `text` as a segment name: what the API refuses is dropped, 200 characters kept."""
    kept = "".join(each for each in text if each.isalnum() or each in _NAME_ALPHABET)
    return kept[:200] or "unnamed"


def _trace_id(span: ReadableSpan) -> str:
    return xray_trace_id(span_context(span).trace_id)


def _http(span: ReadableSpan) -> dict[str, Any]:
    attributes = span.attributes or {}
    request = {xray: attributes[otel] for otel, xray in _REQUEST_FIELDS.items() if otel in attributes}
    request["url"] = attributes.get("url.full") or _url(attributes)
    status = attributes.get("http.response.status_code")
    if not isinstance(status, int):
        return {"http": {"request": request}}
    response: dict[str, Any] = {"status": status}
    if isinstance(size := attributes.get("http.response.body.size"), int):
        response["content_length"] = size
    return {"http": {"request": request, "response": response}, **_flags(status)}


def _url(attributes: Mapping[str, Any]) -> str:
    host, port = attributes.get("server.address", ""), attributes.get("server.port")
    where = f"{host}:{port}" if port not in (None, 80, 443) else host
    return f"{attributes.get('url.scheme', 'http')}://{where}{attributes.get('url.path', '')}"


def _flags(status: int) -> dict[str, bool]:
    if status >= _SERVER_ERROR:
        return {"fault": True}
    if status == _THROTTLED:
        return {"throttle": True, "error": True}
    return {"error": True} if status >= _CLIENT_ERROR else {}


def _aws(facts: Facts) -> dict[str, Any]:
    made: dict[str, Any] = {"xray": {"sdk": "opentelemetry", "package": "cruddur"}}
    if facts.log_group is not None:
        made["cloudwatch_logs"] = [{"log_group": facts.log_group}]
    return made


def _cause(error: BaseException, exception_id: str) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    return {
        "working_directory": "",
        "exceptions": [
            {
                "id": exception_id,
                "type": type(error).__name__,
                "message": str(error),
                "stack": [
                    {"path": frame.filename, "line": frame.lineno or 0, "label": frame.name}
                    for frame in reversed(frames)
                ],
            }
        ],
    }


def _recorded(attributes: Mapping[str, Any], exception_id: int) -> dict[str, Any]:
    return {
        "id": span_hex(exception_id % 2**64),
        "type": str(attributes.get("exception.type", "Exception")),
        "message": str(attributes.get("exception.message", "")),
    }


def _merge(made: dict[str, Any], entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
    """Add what the X-Ray SDK's entity holds; the span's own ids and times stay."""
    if entity is None:
        return
    held: dict[str, Any] = entity.to_dict()
    for key in ("annotations", "metadata", "aws", "http"):
        if held.get(key):
            made[key] = {**made.get(key, {}), **held[key]}
    for key in ("namespace", "sql", "cause", "user", "fault", "error", "throttle"):
        if held.get(key) and held[key] != "local":
            made[key] = held[key]
