"""Collect the spans of a request until its server span ends, and queue them as one source of a segment document."""

from __future__ import annotations

import socket
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from flask_onetrace.telemetry.context.trace_scope import TraceScope, current_scope
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.sampling import lean_import  # noqa: F401 - before the application imports the SDK
from flask_onetrace.telemetry.sink import ServiceInfo, Sink
from flask_onetrace.telemetry.sinks.xray import Config
from flask_onetrace.telemetry.sinks.xray.daemon import DaemonSender
from flask_onetrace.telemetry.sinks.xray.segment_source import ProcessInfo, SegmentSource
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.xray_sdk import install_on_import
from flask_onetrace.telemetry.xray_sdk.state import SdkState

_MAX_INNER_BYTES = 2 * 1024 * 1024
"""Bytes of the inner spans kept for one segment, some 1,600 with little in them; further ones are sent independently.

It bounds the memory of a request, however many its spans, or however large.
"""
_MAX_BYTES = 6 * 1024 * 1024


def connect_collector(name: str, config: Config, daemon: tuple[str, int], service: ServiceInfo) -> Sink:
    """Return the sink for a config that turns it on."""
    process = ProcessInfo(
        service=config.xray_service_name,
        version=service.version,
        log_group=config.log_group,
        origin=config.xray_origin,
        container=socket.gethostname(),
    )
    sender = DaemonSender(daemon, process, config.xray_url, service.redact)
    queue = ExportQueue(
        name, sender.send, max_bytes=_MAX_BYTES, weigh=attrgetter("size"), drop_metric=service.drop_metric
    )
    processor = _Collector(queue.put)
    return Sink(name=name, span_processor=processor, queue=queue, install=install_on_import, close=sender.close)


class _InnerSpans:
    """The spans of one request that have ended before its server span."""

    def __init__(self) -> None:
        self.spans: list[LightSpan] = []
        self.size = 0
        """An estimate of the bytes that they keep alive."""

    def before_end(self, scope: TraceScope) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Drop the spans: the queue has them."""
        self.spans = []


_NONE = _InnerSpans()


class _Collector(SpanProcessor):
    """Keep a request's inner spans until its server span ends, then queue them together."""

    def __init__(self, put: Callable[[SegmentSource], None]) -> None:
        self._put = put

    def on_end(self, span: ReadableSpan) -> None:
        if not isinstance(span, LightSpan) or not span.sampling.sampled:
            return
        scope = span.scope or current_scope()
        if scope is None or span.trace_id != scope.span.trace_id:
            self._put(SegmentSource(root=span, size=span.size))
        elif span is scope.span:
            self._put(_source(span, scope))
        elif scope.span.is_recording() and (inner := scope.extra_of(_InnerSpans)).size < _MAX_INNER_BYTES:
            inner.spans.append(span)
            inner.size += span.size
        else:  # it outlived its request: X-Ray joins a late subsegment to its trace by its parent's id
            entities, annotations = _own_entity(scope, span.span_id), _own_annotations(scope, span.span_id)
            self._put(SegmentSource(root=span, size=span.size, entities=entities, annotations=annotations))


def _source(span: LightSpan, scope: TraceScope) -> SegmentSource:
    inner = scope.extras.get(_InnerSpans, _NONE)
    segment, subsegments = _sdk_entities(scope)
    return SegmentSource(
        root=span,
        size=span.size + inner.size,
        inner=inner.spans,
        entities=subsegments,
        segment=segment,
        annotations=scope.annotations,
        event_ids=scope.event_ids,
        is_request=scope.is_request,
        is_forwarded=scope.is_forwarded,
        user=scope.user_id,
        error=scope.error_snapshot(),
    )


def _sdk_entities(scope: TraceScope) -> tuple[Any, dict[int, Any]]:
    """Return the X-Ray SDK's segment, and a copy of its subsegments by span id: the scope drops both."""
    state = scope.extras.get(SdkState)
    return (state.segment, dict(state.subsegments)) if isinstance(state, SdkState) else (None, {})


def _own_entity(scope: TraceScope, span_id: int) -> dict[int, Any]:
    """Return the subsegment of one span by its id. A copy of all, for each of many spans, would take their square."""
    state = scope.extras.get(SdkState)
    entity = state.subsegments.pop(span_id, None) if isinstance(state, SdkState) else None
    return {span_id: entity} if entity is not None else {}


def _own_annotations(scope: TraceScope, span_id: int) -> dict[int, Any]:
    """Return the annotations of one span by its id. A long job would keep those of all its spans in memory."""
    annotations = scope.annotations
    own = annotations.pop(span_id, None) if isinstance(annotations, dict) else None
    return {span_id: own} if own is not None else {}
