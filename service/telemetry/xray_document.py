"""Build X-Ray segment documents from finished spans ("AWS X-Ray segment documents", X-Ray Developer Guide)."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, NamedTuple

from opentelemetry.trace import SpanKind, StatusCode

from service.contract import CONFIGURED_NAME_ANNOTATION
from service.telemetry.ids import span_hex, xray_trace_id
from service.telemetry.spans import LightSpan
from service.telemetry.tracebacks import Told
from service.telemetry.xray_causes import cause_of_error, cause_of_events
from service.telemetry.xray_entities import NOTHING_HELD, Held, held_by
from service.telemetry.xray_http import FLAGS, RECORDED_ELSEWHERE, host_of, http_block
from service.telemetry.xray_limits import AnnotationBudget, Document, segment_name, short
from service.telemetry.xray_packing import Node, pack

_ECS = "AWS::ECS::"
_RUNTIME = {"runtime": platform.python_implementation(), "runtime_version": platform.python_version()}
_SDK = {"sdk": "opentelemetry for python", "sdk_version": version("opentelemetry-sdk")}
_NANOSECONDS = 1_000_000_000
_ROLLBAR = ("rollbar.uuid", "rollbar.url")
_NOTHING: Mapping[int, Any] = MappingProxyType({})
_NONE: Mapping[str, Any] = MappingProxyType({})


class Facts(NamedTuple):
    """What every segment of one process says of the service. `container` is its host name, as ECS sets it.

    `origin` is the kind of AWS resource that runs it, None elsewhere.
    `name` is the segment's, which dynamic naming may set to the host that was asked for; `service` the configured one.
    """

    name: str
    service: str
    version: str
    log_group: str | None
    origin: str | None
    container: str


@dataclass(slots=True, kw_only=True)
class SegmentSource:
    """A span, the spans within it, and what handlers added to them (by span id)."""

    root: LightSpan
    inner: Sequence[LightSpan] = ()
    entities: Mapping[int, Any] = field(default_factory=lambda: _NOTHING)
    """The X-Ray SDK's own subsegments."""
    segment: Any = None
    """The X-Ray SDK's own segment."""
    annotations: Mapping[int, Mapping[str, Any]] = field(default_factory=lambda: _NOTHING)
    is_request: bool = False
    """Whether `root` is the server span of a request."""
    forwarded: bool = False
    """Whether the client's address is from `X-Forwarded-For`, which anyone can write."""
    user: str | None = None
    error: Told | None = None
    sent: bool = False
    """Keeps a second attempt at its batch from doubling it."""

    @property
    def is_segment(self) -> bool:
        """Whether `root` begins this service's part of its trace; else it is late, or was begun by another thread."""
        return self.is_request or not self.root.parent_id or self.root.is_called


def encode(source: SegmentSource, facts: Facts) -> Iterator[bytes]:
    """Yield the JSON of the segment or independent subsegment: several documents where one would be too long."""
    return pack(_Builder(source, facts).tree())


class _Builder:
    """Turn the spans of one source into the nodes of a document."""

    def __init__(self, source: SegmentSource, facts: Facts) -> None:
        self._source = source
        self._facts = facts
        self._budget = AnnotationBudget()

    def tree(self) -> Node:
        """Return the segment; of a span that outlived its request, an independent subsegment."""
        source, root = self._source, self._source.root
        top = Node(self._segment() if source.is_segment else self._independent())
        if not source.inner:
            return top
        if len(source.inner) == 1:
            top.children.append(Node(self._subsegment(source.inner[0])))
            return top
        nodes = {root.span_id: top}
        spans = sorted(source.inner, key=lambda span: span.start_time or 0)
        nodes |= {span.span_id: Node(self._subsegment(span)) for span in spans}
        for span in spans:
            # A span whose parent is not among them, as it has not ended yet, hangs on the root.
            nodes.get(span.parent_id, top).children.append(nodes[span.span_id])
        return top

    def _segment(self) -> Document:
        span, source, facts = self._source.root, self._source, self._facts
        made: Document = {
            **_common(span, segment_name(facts.name)),
            "trace_id": xray_trace_id(span.trace_id),
            **_of_process(facts),
            **http_block(span.held, span.kind),
        }
        if facts.origin is not None:
            made["origin"] = facts.origin
        if span.parent_id:
            made["parent_id"] = span_hex(span.parent_id)
        if source.forwarded:
            made["http"]["request"]["x_forwarded_for"] = True
        if source.user is not None:
            made["user"] = short(source.user)
        held = held_by(source.segment)
        if source.error is not None:
            made["fault"] = True
            made["cause"] = cause_of_error(source.error.exception)
        elif not span.is_plain:
            made |= _failure(span, made)
        return self._described(made, span, held)

    def _independent(self) -> Document:
        span = self._source.root
        place = {"trace_id": xray_trace_id(span.trace_id), "parent_id": span_hex(span.parent_id)}
        return {**self._subsegment(span), "type": "subsegment", **place}

    def _subsegment(self, span: LightSpan) -> Document:
        made = _common(span, segment_name(span.name))
        if span.kind is not SpanKind.INTERNAL:
            if span.kind in (SpanKind.CLIENT, SpanKind.PRODUCER):
                host = span.held.get("server.address")
                made |= {"name": segment_name(str(host or span.name)), "namespace": "remote"}
            made |= http_block(span.held, span.kind)
        held = held_by(self._source.entities.get(span.span_id))
        if not span.is_plain:
            made |= _failure(span, made)
        return self._described(made, span, held)

    def _described(self, made: Document, span: LightSpan, held: Held) -> Document:
        """Add annotations, metadata and what the X-Ray SDK's entity holds; the span's ids and times stay."""
        searchable = {**self._own_annotations(span), **held.annotations}
        annotations, default = self._budget.spend(searchable)
        if annotations:
            made["annotations"] = annotations
        attributes, metadata = span.held, held.metadata
        if rest := _without_a_place(tuple(attributes)):
            default = {key: attributes[key] for key in rest if key not in searchable} | default
        if default:
            metadata = {**metadata, "default": {**default, **metadata.get("default", {})}}
        if metadata:
            made["metadata"] = metadata
        return made if held is NOTHING_HELD else held.merged_into(made)

    def _own_annotations(self, span: LightSpan) -> Mapping[str, Any]:
        source, facts = self._source, self._facts
        given = source.annotations.get(span.span_id, _NONE)
        if span is not source.root or not source.is_segment:
            return given
        own: Document = {}
        if facts.name != facts.service:
            own[CONFIGURED_NAME_ANNOTATION] = facts.service
        if not source.is_request:
            own["operation"] = span.name
        if _ROLLBAR[0] in span.held:
            own |= {key: span.held[key] for key in _ROLLBAR if key in span.held}
        return {**own, **given} if own else given


def host_asked_for(source: SegmentSource) -> str | None:
    """Return the host of a request, which dynamic naming compares; None for all else."""
    return host_of(source.root.held) if source.is_request else None


@lru_cache(maxsize=1024)
def _without_a_place(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of a span's attributes that are metadata: spans of one place have the same."""
    return tuple(key for key in keys if key not in RECORDED_ELSEWHERE)


def _failure(span: LightSpan, made: Document) -> Document:
    """Return what a span's status and events say of a failure, beside the flags that `made` has."""
    failure: Document = {}
    if span.status.status_code is StatusCode.ERROR and not FLAGS & made.keys():
        failure["fault"] = True
    if (cause := cause_of_events(span)) is not None:
        failure["cause"] = cause
    return failure


def _common(span: LightSpan, name: str) -> Document:
    return {
        "name": name,
        "id": span_hex(span.span_id),
        "start_time": (span.start_time or 0) / _NANOSECONDS,
        "end_time": (span.end_time or 0) / _NANOSECONDS,
    }


@lru_cache(maxsize=64)
def _of_process(facts: Facts) -> Document:
    """Return what every segment says alike. Nobody may change it."""
    aws: Document = {"xray": _SDK}
    if facts.origin is not None and facts.origin.startswith(_ECS):
        aws["ecs"] = {"container": facts.container}
    if facts.log_group is not None:
        aws["cloudwatch_logs"] = [{"log_group": facts.log_group}]
    return {"service": {"version": facts.version, **_RUNTIME}, "aws": aws}
