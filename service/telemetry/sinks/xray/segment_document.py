"""Build X-Ray segment documents from finished spans ("AWS X-Ray segment documents", X-Ray Developer Guide)."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode

from service.telemetry.ids import span_hex, xray_trace_id
from service.telemetry.sinks.xray.cause import cause_of_error, cause_of_events
from service.telemetry.sinks.xray.http import FLAGS, RECORDED_ELSEWHERE, host_of, http_block
from service.telemetry.sinks.xray.limits import AnnotationBudget, Document, segment_name, short
from service.telemetry.sinks.xray.packing import pack
from service.telemetry.sinks.xray.sdk_entities import NOTHING_HELD, held_by
from service.telemetry.spans.exceptions import ExceptionSnapshot
from service.telemetry.spans.span import LightSpan

_ECS = "AWS::ECS::"
_RUNTIME = {"runtime": platform.python_implementation(), "runtime_version": platform.python_version()}
_SDK = {"sdk": "opentelemetry for python", "sdk_version": version("opentelemetry-sdk")}
_NANOSECONDS = 1_000_000_000
CONFIGURED_NAME_ANNOTATION = "service_name"
"""Where a segment that is named after its host keeps the configured name, by which a group finds it."""
_NO_ENTITIES: Mapping[int, Any] = MappingProxyType({})
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ProcessInfo:
    """What every segment of one process has of the service. `container` is its host name, as ECS sets it.

    `origin` is the kind of AWS resource that runs it, None elsewhere.
    """

    service: str
    version: str
    log_group: str | None
    origin: str | None
    container: str

    @cached_property
    def document(self) -> Document:
        """The part of a segment that is the same for all. Shared: not to be changed."""
        aws: Document = {"xray": _SDK}
        if self.origin is not None and self.origin.startswith(_ECS):
            aws["ecs"] = {"container": self.container}
        if self.log_group is not None:
            aws["cloudwatch_logs"] = [{"log_group": self.log_group}]
        document: Document = {"service": {"version": self.version, **_RUNTIME}, "aws": aws}
        return document if self.origin is None else {**document, "origin": self.origin}


@dataclass(slots=True, kw_only=True)
class SegmentSource:
    """A span, the spans within it, and what handlers added to them (by span id)."""

    root: LightSpan
    inner: Sequence[LightSpan] = ()
    entities: Mapping[int, Any] = field(default_factory=lambda: _NO_ENTITIES)
    """The X-Ray SDK's own subsegments."""
    segment: Any = None
    """The X-Ray SDK's own segment."""
    annotations: Mapping[int, Mapping[str, Any]] = field(default_factory=lambda: _NO_ENTITIES)
    event_ids: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """The ids of error events, annotated on the segment."""
    is_request: bool = False
    """Whether `root` is the server span of a request."""
    is_forwarded: bool = False
    """Whether the client's address is from `X-Forwarded-For`, which anyone can write."""
    user: str | None = None
    error: ExceptionSnapshot | None = None
    sent: bool = False
    """Keeps a second attempt at its batch from doubling it."""

    @property
    def is_segment(self) -> bool:
        """Whether `root` begins this service's part of its trace; else it is late, or was begun by another thread."""
        return self.is_request or not self.root.parent_id or self.root.has_remote_parent


def encode(source: SegmentSource, process: ProcessInfo, name: str | None = None) -> Iterable[bytes]:
    """Return the JSON of the segment or independent subsegment: several documents where one would be too long.

    `name` is the segment's, where dynamic naming has set it to the host that was asked for.
    """
    return pack(_Builder(source, process, name or process.service).tree())


class _Builder:
    """Turn the spans of one source into a document."""

    __slots__ = ("_budget", "_name", "_process", "_source")

    def __init__(self, source: SegmentSource, process: ProcessInfo, name: str) -> None:
        self._source = source
        self._process = process
        self._name = name
        self._budget = AnnotationBudget()

    def tree(self) -> Document:
        """Return the segment with all within it; of a span that outlived its request, an independent subsegment."""
        source = self._source
        inner = source.inner
        top = self._segment() if source.is_segment else self._independent()
        if len(inner) == 1:
            top["subsegments"] = [self._subsegment(inner[0])]
        elif inner:
            spans = sorted(inner, key=lambda span: span.start_time or 0)
            made = {span.span_id: self._subsegment(span) for span in spans}
            for span in spans:
                # A span whose parent is not among them, as it has not ended yet, hangs on the root.
                made.get(span.parent_id, top).setdefault("subsegments", []).append(made[span.span_id])
        return top

    def _segment(self) -> Document:
        source = self._source
        span = source.root
        made: Document = {
            **_common(span, segment_name(self._name)),
            "trace_id": xray_trace_id(span.trace_id),
            **self._process.document,
            **http_block(span.raw_attributes, span.kind),
        }
        if span.parent_id:
            made["parent_id"] = span_hex(span.parent_id)
        if source.is_forwarded:
            made["http"]["request"]["x_forwarded_for"] = True
        if source.user is not None:
            made["user"] = short(source.user)
        if source.error is not None:
            made["fault"] = True
            made["cause"] = cause_of_error(source.error.exception)
        elif not span.is_plain:
            made |= _failure(span, made)
        return self._described(made, span, source.segment, self._own_annotations())

    def _independent(self) -> Document:
        span = self._source.root
        place = {"trace_id": xray_trace_id(span.trace_id), "parent_id": span_hex(span.parent_id)}
        return {**self._subsegment(span), "type": "subsegment", **place}

    def _subsegment(self, span: LightSpan) -> Document:
        source = self._source
        made = _common(span, segment_name(span.name))
        if span.kind is not SpanKind.INTERNAL:
            if span.kind in (SpanKind.CLIENT, SpanKind.PRODUCER):
                host = span.raw_attributes.get("server.address")
                made |= {"name": segment_name(str(host or span.name)), "namespace": "remote"}
            made |= http_block(span.raw_attributes, span.kind)
        if not span.is_plain:
            made |= _failure(span, made)
        given = source.annotations.get(span.span_id, _EMPTY)
        return self._described(made, span, source.entities.get(span.span_id), given)

    def _described(self, made: Document, span: LightSpan, entity: Any, given: Mapping[str, Any]) -> Document:  # noqa: ANN401 - the SDK publishes no types
        """Add annotations, metadata and what the X-Ray SDK's entity holds; the span's ids and times stay."""
        attributes = span.raw_attributes
        rest = _without_a_place(tuple(attributes))
        held = NOTHING_HELD if entity is None else held_by(entity)
        default: Mapping[str, Any] = _EMPTY
        if given or held.annotations:
            given = {**given, **held.annotations}
            annotations, default = self._budget.spend(given)
            if annotations:
                made["annotations"] = annotations
        if rest:
            default = {**{key: attributes[key] for key in rest if key not in given}, **default}
        metadata = held.metadata
        if default:
            metadata = {**metadata, "default": {**default, **metadata.get("default", {})}}
        if metadata:
            made["metadata"] = metadata
        return made if held is NOTHING_HELD else held.merged_into(made)

    def _own_annotations(self) -> Mapping[str, Any]:
        """Return what makes the segment searchable, and what the handler added to that."""
        source, span = self._source, self._source.root
        own: Document = {}
        if self._name != self._process.service:
            own[CONFIGURED_NAME_ANNOTATION] = self._process.service
        if not source.is_request:
            own["operation"] = span.name
        own |= source.event_ids
        given = source.annotations.get(span.span_id, _EMPTY)
        return {**own, **given} if own else given


def request_host(source: SegmentSource) -> str | None:
    """Return the host of a request, which dynamic naming compares; None for all else."""
    return host_of(source.root.raw_attributes) if source.is_request else None


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
