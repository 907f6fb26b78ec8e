"""Let code written for the X-Ray SDK work inside a handler: its subsegments become spans of the one tracer."""

from __future__ import annotations

import logging
import threading
from typing import Any

from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context as SdkContext
from aws_xray_sdk.core.models.dummy_entities import DummySegment
from aws_xray_sdk.core.models.subsegment import Subsegment
from aws_xray_sdk.core.recorder import AWSXRayRecorder
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from service.telemetry.context.request_scope import SCOPE_KEY, RequestScope, current_scope
from service.telemetry.ids import span_hex
from service.telemetry.spans.span import SPAN_KEY
from service.telemetry.xray_sdk.subsegments import Opened, SpanSubsegment, UnsampledSubsegment, segment_of

logger = logging.getLogger(__name__)

_ENTITY_KEY = otel_context.create_key("xray-entity")
_BEFORE_KEY = otel_context.create_key("before-xray-entity")
_NEVER = 1_000_000_000
_NANOSECONDS = 1_000_000_000
_warned = threading.Event()

_INSTRUMENTATION = InstrumentationScope("service.telemetry.xray_context", "")


def install() -> None:
    """Point the SDK's global recorder at the current request's scope. Once per process is enough."""
    if not isinstance(xray_recorder.context, ScopedContext):
        unused = xray_recorder.emitter
        # With its own sampling, a segment begun by hand would start the SDK's threads that ask the daemon.
        xray_recorder.configure(
            context=ScopedContext(), emitter=_NoEmitter(), streaming_threshold=_NEVER, sampling=False
        )
        # Its public ways in, as `in_subsegment` and the patched libraries use them too.
        xray_recorder.begin_subsegment = _begin
        xray_recorder.end_subsegment = _end
        # The SDK opens its socket at import and has no public way to close it.
        unused._socket.close()


def close_left_open(scope: RequestScope) -> None:
    """End the subsegments that the request's own thread began and did not end; other threads may still be at work."""
    for entity in reversed(list(scope.xray_entities.values())):
        if entity.in_progress and entity.opened.thread == threading.get_ident():
            entity.close()
            _finish(entity)


def _begin(name: str, namespace: str = "local") -> Any:  # noqa: ANN401 - the SDK publishes no types
    """Begin a subsegment, as the recorder's own method of that name."""
    here: Any = otel_context.get_current()
    scope: RequestScope | None = here.get(SCOPE_KEY)
    entity: Any = here.get(_ENTITY_KEY)
    parent = entity if entity is not None and entity.in_progress else None
    if scope is None or not global_sdk_config.sdk_enabled() or (parent is not None and not parent.sampled):
        return AWSXRayRecorder.begin_subsegment(xray_recorder, name, namespace)
    if not scope.span.is_recording():
        if scope.xray_unsampled is None:
            scope.xray_unsampled = UnsampledSubsegment(scope)
        scope.xray_unsampled_depth += 1
        return scope.xray_unsampled
    subsegment = SpanSubsegment(name, namespace, scope, parent.id if parent else span_hex(scope.span.span_id))
    if parent is not None:
        parent.add_subsegment(subsegment)
    _open(subsegment, scope, here)
    return subsegment


def _end(end_time: float | None = None) -> None:
    """End the open subsegment, as the recorder's own method of that name."""
    scope = current_scope()
    if scope is not None and scope.xray_unsampled_depth > 0:
        scope.xray_unsampled_depth -= 1
    else:
        xray_recorder.context.end_subsegment(end_time)


def _open(subsegment: Any, scope: RequestScope, here: Any) -> None:  # noqa: ANN401 - as above, and what a context holds is untyped
    """Start the span that `subsegment` is, under the current one."""
    kind = trace.SpanKind.INTERNAL if subsegment.namespace == "local" else trace.SpanKind.CLIENT
    span = scope.telemetry.provider.start(_INSTRUMENTATION, subsegment.name, here, kind, parent=here.get(SPAN_KEY))
    span_id = span.span_id
    subsegment.id = span_hex(span_id)
    context = otel_context.Context({**here, _ENTITY_KEY: subsegment, SPAN_KEY: span})
    subsegment.opened = Opened(span, context, otel_context.attach(context), threading.get_ident())
    scope.hold(span_id, subsegment)


class _NoEmitter:
    """The SDK sends nothing by itself: the X-Ray sink builds the document from the spans."""

    def send_entity(self, entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        """Ignore the entity."""


class ScopedContext(SdkContext):  # type: ignore[misc]  # the SDK publishes no types
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
        if scope.xray_unsampled is not None and scope.xray_unsampled_depth > 0:
            return scope.xray_unsampled
        return segment_of(scope)

    def put_subsegment(self, subsegment: Any) -> None:  # noqa: ANN401 - as above
        """Open `subsegment` as a span under the current one."""
        self.get_trace_entity().add_subsegment(subsegment)
        scope = current_scope()
        if subsegment.sampled and scope is not None:
            _open(subsegment, scope, otel_context.get_current())
        else:
            context = otel_context.set_value(_ENTITY_KEY, subsegment)
            token = otel_context.attach(context)
            subsegment.opened = Opened(trace.INVALID_SPAN, context, token, threading.get_ident())

    def end_subsegment(self, end_time: float | None = None) -> bool:
        """Close the open subsegment and its span; False where none is open. `end_time` is in epoch seconds."""
        entity: Any = otel_context.get_value(_ENTITY_KEY)
        if entity is None or not entity.in_progress or not isinstance(entity, Subsegment):
            return False
        entity.close(end_time)
        opened: Opened = entity.opened
        _finish(entity, end_time)
        if opened.thread == threading.get_ident():
            otel_context.detach(opened.token)
        return True

    def put_segment(self, segment: Any) -> None:  # noqa: ARG002, ANN401 - the SDK's signature, without types
        """Leave the request's segment in its place; outside a request nothing is recorded."""
        if current_scope() is None:
            _warn_once()

    def end_segment(self, end_time: float | None = None) -> None:
        """Leave the request's segment open: it ends with the request."""

    def set_trace_entity(self, trace_entity: Any) -> None:  # noqa: ANN401 - as above
        """Go on in another thread where `trace_entity` was opened, as the SDK's guide has it."""
        opened: Opened | None = getattr(trace_entity, "opened", None)
        here = otel_context.get_current()
        before = otel_context.get_value(_BEFORE_KEY) or here
        there = otel_context.set_value(_BEFORE_KEY, before, opened.context if opened else here)
        otel_context.attach(otel_context.set_value(_ENTITY_KEY, trace_entity, there))

    def clear_trace_entities(self) -> None:
        """Go back to where the thread was before `set_trace_entity`."""
        before: Any = otel_context.get_value(_BEFORE_KEY)
        otel_context.attach(before if before is not None else otel_context.set_value(_ENTITY_KEY, None))


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
    # What led there is held no longer: the entity itself waits to be sent.
    entity.opened = None


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        logger.warning("the X-Ray SDK was used outside a request: nothing is recorded there (said once)")
