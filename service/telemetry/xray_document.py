"""Build X-Ray segment documents from finished spans ("AWS X-Ray segment documents", X-Ray Developer Guide)."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from service.telemetry.ids import span_context, span_hex, xray_trace_id
from service.telemetry.xray_causes import cause_of_error, cause_of_events
from service.telemetry.xray_limits import Document, annotation_block, segment_name, short, split

ORIGIN = "AWS::ECS::Fargate"
_RUNTIME = {"runtime": platform.python_implementation(), "runtime_version": platform.python_version()}
_SDK = {"sdk": "opentelemetry for python", "sdk_version": version("opentelemetry-sdk")}
_NANOSECONDS = 1_000_000_000
_SERVER_ERROR, _CLIENT_ERROR, _THROTTLED = 500, 400, 429

_REQUEST_FIELDS = {
    "http.request.method": "method",
    "http.request.method_original": "method",
    "user_agent.original": "user_agent",
    "client.address": "client_ip",
}
_ELSEWHERE = ("http.", "url.", "server.", "client.", "network.", "user_agent.", "error.type", "user.id", "rollbar.")
"""Attributes with a place of their own in the document; all others become metadata."""


class Facts(NamedTuple):
    """What every segment of one process says of the service. `container` is its host name, as ECS sets it."""

    name: str
    service: str
    version: str
    log_group: str | None
    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSource:
    """A span, the spans within it, and what handlers added to them (by span id)."""

    root: ReadableSpan
    inner: Sequence[ReadableSpan] = ()
    entities: Mapping[int, Any] = field(default_factory=dict)
    """The X-Ray SDK's own subsegments."""
    segment: Any = None
    """The X-Ray SDK's own segment."""
    annotations: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    forwarded: bool = False
    """Whether the client's address is from `X-Forwarded-For`, which anyone can write."""
    user: str | None = None
    error: BaseException | None = None


def encode(source: SegmentSource, facts: Facts) -> Iterator[bytes]:
    """Yield the JSON of the segment: one document, or several where one would be too long."""
    return split(document(source, facts))


def document(source: SegmentSource, facts: Facts) -> Document:
    """Return the segment; of a span that outlived its request, an independent subsegment."""
    tree = _Tree(source)
    span = source.root
    if span.kind is SpanKind.SERVER or span.parent is None:
        return _segment(tree, facts)
    place = {"type": "subsegment", "trace_id": _trace_id(span), "parent_id": span_hex(span.parent.span_id)}
    return {**tree.subsegment(span), **place}


class _Tree:
    """The spans of one segment by their parents; a span whose parent is not among them hangs on the root."""

    def __init__(self, source: SegmentSource) -> None:
        self.source = source
        self.root = source.root
        self._children: dict[int, list[ReadableSpan]] = {}
        root_id = span_context(source.root).span_id
        known = {span_context(each).span_id for each in source.inner}
        for each in source.inner:
            parent = each.parent.span_id if each.parent else root_id
            self._children.setdefault(parent if parent in known else root_id, []).append(each)

    def within(self, span: ReadableSpan) -> Document:
        """Return the `subsegments` of `span`, in the order in which they began."""
        inner = sorted(self._children.get(span_context(span).span_id, ()), key=lambda each: each.start_time or 0)
        return {"subsegments": [self.subsegment(each) for each in inner]} if inner else {}

    def subsegment(self, span: ReadableSpan) -> Document:
        """Return `span` as a subsegment with all that is within it."""
        span_id = span_context(span).span_id
        entity = self.source.entities.get(span_id)
        made = _common(span, segment_name(span.name))
        if span.kind is SpanKind.CLIENT:
            host = (span.attributes or {}).get("server.address")
            made |= {"name": segment_name(str(host or span.name)), "namespace": "remote", **_http(span)}
        if span.status.status_code is StatusCode.ERROR and not {"error", "throttle"} & made.keys():
            made["fault"] = True
        if entity is None and (cause := cause_of_events(span)) is not None:
            made["cause"] = cause
        _describe(made, span, self.source.annotations.get(span_id, {}), entity)
        return made | self.within(span)


def _segment(tree: _Tree, facts: Facts) -> Document:
    span, source = tree.root, tree.source
    made: Document = {
        **_common(span, facts.name),
        "trace_id": _trace_id(span),
        "origin": ORIGIN,
        "service": {"version": facts.version, **_RUNTIME},
        "aws": _aws(facts),
        **_http(span),
    }
    if span.parent is not None:
        made["parent_id"] = span_hex(span.parent.span_id)
    if source.forwarded:
        made["http"]["request"]["x_forwarded_for"] = True
    if source.user is not None:
        made["user"] = short(source.user)
    if source.error is not None:
        made |= {"fault": True, "cause": cause_of_error(source.error, span)}
    searchable = dict(source.annotations.get(span_context(span).span_id, {}))
    searchable |= {key: value for key, value in (span.attributes or {}).items() if key.startswith("rollbar.")}
    if facts.name != facts.service:
        searchable["service_name"] = facts.service
    _describe(made, span, searchable, source.segment)
    return made | tree.within(span)


def _common(span: ReadableSpan, name: str) -> Document:
    return {
        "name": name,
        "id": span_hex(span_context(span).span_id),
        "start_time": (span.start_time or 0) / _NANOSECONDS,
        "end_time": (span.end_time or 0) / _NANOSECONDS,
    }


def _trace_id(span: ReadableSpan) -> str:
    return xray_trace_id(span_context(span).trace_id)


def _http(span: ReadableSpan) -> Document:
    attributes = span.attributes or {}
    request = {xray: short(attributes[otel]) for otel, xray in _REQUEST_FIELDS.items() if otel in attributes}
    if span.kind is SpanKind.SERVER or "url.full" in attributes:
        request["url"] = short(attributes.get("url.full") or _url(attributes))
    status = attributes.get("http.response.status_code")
    if not isinstance(status, int):
        return {"http": {"request": request}} if request else {}
    response: Document = {"status": status}
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


def _aws(facts: Facts) -> Document:
    made: Document = {"xray": _SDK, "ecs": {"container": facts.container}}
    if facts.log_group is not None:
        made["cloudwatch_logs"] = [{"log_group": facts.log_group}]
    return made


def _describe(made: Document, span: ReadableSpan, searchable: Mapping[str, Any], entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
    """Add annotations, metadata and what the X-Ray SDK's entity holds; the span's own ids and times stay."""
    if searchable:
        made["annotations"] = annotation_block(searchable)
    left = {
        key: value
        for key, value in (span.attributes or {}).items()
        if not key.startswith(_ELSEWHERE) and key not in searchable
    }
    held: Document = entity.to_dict() if entity is not None else {}
    if left and not held.get("annotations", {}).keys() >= left.keys():
        made["metadata"] = {"default": left}
    for key in ("annotations", "metadata", "aws", "http"):
        if held.get(key):
            made[key] = {**made.get(key, {}), **held[key]}
    for key in ("namespace", "sql", "cause", "user", "fault", "error", "throttle"):
        if held.get(key) and held[key] != "local":
            made[key] = held[key]
