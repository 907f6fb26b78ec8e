"""Let code written for the X-Ray SDK work inside a handler: its subsegments become spans of the one tracer."""

from __future__ import annotations

import logging
import threading
from typing import Any, NamedTuple

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.models.dummy_entities import DummySegment
from aws_xray_sdk.core.models.segment import Segment
from opentelemetry import context as otel_context
from opentelemetry import trace

from service.telemetry.ids import span_hex
from service.telemetry.scope import RequestScope, current_scope

logger = logging.getLogger(__name__)

_ENTITY_KEY = otel_context.create_key("xray-entity")
_BEFORE_KEY = otel_context.create_key("before-xray-entity")
_NEVER = 1_000_000_000
_NANOSECONDS = 1_000_000_000
_warned = threading.Event()


class _Opened(NamedTuple):
    """How an entity was opened: its span, the context within it, and what leads back out of that."""

    span: trace.Span
    context: otel_context.Context
    token: Any
    thread: int


_tracer = trace.get_tracer(__name__)


def install() -> None:
    """Point the SDK's global recorder at the current request's scope. Once per process is enough."""
    if not isinstance(xray_recorder.context, ScopedContext):
        unused = xray_recorder.emitter
        # With its own sampling, a segment begun by hand would start the SDK's threads that ask the daemon.
        xray_recorder.configure(
            context=ScopedContext(), emitter=_NoEmitter(), streaming_threshold=_NEVER, sampling=False
        )
        # The SDK opens its socket at import and has no public way to close it.
        unused._socket.close()


def close_left_open(scope: RequestScope) -> None:
    """End the subsegments that the request's own thread began and did not end; other threads may still be at work."""
    for entity in reversed(list(scope.xray_entities.values())):
        if entity.in_progress and entity.opened.thread == threading.get_ident():
            entity.close()
            _finish(entity)


class _NoEmitter:
    """The SDK sends nothing by itself: the X-Ray sink builds the document from the spans."""

    def send_entity(self, entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        """Ignore the entity."""


class ScopedContext(Context):  # type: ignore[misc]  # the SDK publishes no types
    """Find the SDK's entities through OpenTelemetry's context instead of a thread-local list."""

    def get_trace_entity(self) -> Any:  # noqa: ANN401 - the SDK publishes no types
        """Return the open subsegment, else the request's segment, made now; outside a request a dummy."""
        entity: Any = otel_context.get_value(_ENTITY_KEY)
        if entity is not None and entity.in_progress:
            return entity
        scope = current_scope()
        if scope is None:
            _warn_once()
            return DummySegment()
        if scope.xray_segment is None:
            scope.xray_segment = _segment(scope)
        return scope.xray_segment

    def put_subsegment(self, subsegment: Any) -> None:  # noqa: ANN401 - as above
        """Open `subsegment` as a span under the current one."""
        self.get_trace_entity().add_subsegment(subsegment)
        context = otel_context.set_value(_ENTITY_KEY, subsegment)
        scope = current_scope()
        span: trace.Span = trace.INVALID_SPAN
        if subsegment.sampled and scope is not None:
            kind = trace.SpanKind.INTERNAL if subsegment.namespace == "local" else trace.SpanKind.CLIENT
            span = _tracer.start_span(subsegment.name, kind=kind)
            span_id = span.get_span_context().span_id
            subsegment.id = span_hex(span_id)
            scope.xray_entities[span_id] = subsegment
            context = trace.set_span_in_context(span, context)
        subsegment.opened = _Opened(span, context, otel_context.attach(context), threading.get_ident())

    def end_subsegment(self, end_time: float | None = None) -> bool:
        """Close the open subsegment and its span; False where none is open. `end_time` is in epoch seconds."""
        entity: Any = otel_context.get_value(_ENTITY_KEY)
        if entity is None or not entity.in_progress or not hasattr(entity, "parent_segment"):
            return False
        entity.close(end_time)
        _finish(entity, end_time)
        if entity.opened.thread == threading.get_ident():
            otel_context.detach(entity.opened.token)
        return True

    def put_segment(self, segment: Any) -> None:  # noqa: ARG002, ANN401 - the SDK's signature, without types
        """Leave the request's segment in its place; outside a request nothing is recorded."""
        if current_scope() is None:
            _warn_once()

    def end_segment(self, end_time: float | None = None) -> None:
        """Leave the request's segment open: it ends with the request."""

    def set_trace_entity(self, trace_entity: Any) -> None:  # noqa: ANN401 - as above
        """Go on in another thread where `trace_entity` was opened, as the SDK's guide has it."""
        opened: _Opened | None = getattr(trace_entity, "opened", None)
        here = otel_context.get_current()
        before = otel_context.get_value(_BEFORE_KEY) or here
        there = otel_context.set_value(_BEFORE_KEY, before, opened.context if opened else here)
        otel_context.attach(otel_context.set_value(_ENTITY_KEY, trace_entity, there))

    def clear_trace_entities(self) -> None:
        """Go back to where the thread was before `set_trace_entity`."""
        before: Any = otel_context.get_value(_BEFORE_KEY)
        otel_context.attach(before if before is not None else otel_context.set_value(_ENTITY_KEY, None))


class _RequestSegment(Segment):  # type: ignore[misc]  # the SDK publishes no types
    """The segment of a sampled request: its user is the request's in every sink."""

    def set_user(self, user: Any) -> None:  # noqa: ANN401 - as above
        """Name the user, as `telemetry.identify` does."""
        self.scope.user_id = str(user)


class _UnsampledSegment(DummySegment):  # type: ignore[misc]  # the SDK publishes no types
    """The segment of a request that is not sampled: its log lines and error items still name the user."""

    def set_user(self, user: Any) -> None:  # noqa: ANN401 - as above
        """Name the user, as `telemetry.identify` does."""
        self.scope.user_id = str(user)


def _segment(scope: RequestScope) -> Any:  # noqa: ANN401 - the SDK publishes no types
    name, span = scope.telemetry.settings.xray_service_name, scope.span
    if span.is_recording():
        segment = _RequestSegment(name, entityid=span_hex(span.get_span_context().span_id), traceid=scope.xray_id)
    else:
        segment = _UnsampledSegment(name)
    segment.scope = scope
    segment.opened = _Opened(span, scope.context(), None, threading.get_ident())
    return segment


def _finish(entity: Any, end_time: float | None = None) -> None:  # noqa: ANN401 - the SDK publishes no types
    """End the span with the subsegment's annotations and exception, so that Honeycomb shows them too."""
    span = entity.opened.span
    if span.is_recording():
        span.set_attributes(entity.annotations)
        if getattr(entity, "fault", False):
            span.set_status(trace.StatusCode.ERROR)
        for each in entity.cause.get("exceptions", ()) if isinstance(entity.cause, dict) else ():
            said = {"exception.type": each.type, "exception.message": getattr(each, "message", "")}
            span.add_event("exception", said)
    span.end(None if end_time is None else int(end_time * _NANOSECONDS))


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        logger.warning("the X-Ray SDK was used outside a request: nothing is recorded there (said once)")
