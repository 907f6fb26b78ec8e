"""Let code written for the X-Ray SDK work inside a handler: its subsegments become spans of the one tracer."""

from __future__ import annotations

import logging
import threading
from typing import Any

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
_NEVER = 1_000_000_000
_warned = threading.Event()


def install() -> None:
    """Point the SDK's global recorder at the current request's scope. Once per process is enough."""
    if not isinstance(xray_recorder.context, ScopedContext):
        unused = xray_recorder.emitter
        xray_recorder.configure(context=ScopedContext(), emitter=_NoEmitter(), streaming_threshold=_NEVER)
        # The SDK opens its socket at import and has no public way to close it.
        unused._socket.close()


class _NoEmitter:
    """The SDK sends nothing by itself: the X-Ray sink builds the document from the spans."""

    def send_entity(self, entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        """Ignore the entity."""


class ScopedContext(Context):  # type: ignore[misc]  # the SDK publishes no types
    """Find the SDK's entities through OpenTelemetry's context instead of a thread-local list."""

    def get_trace_entity(self) -> Any:  # noqa: ANN401 - the SDK publishes no types
        """Return the open subsegment, else the request's segment, made now; outside a request a dummy."""
        entity = otel_context.get_value(_ENTITY_KEY)
        if entity is not None:
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
            span = trace.get_tracer(__name__).start_span(subsegment.name)
            span_id = span.get_span_context().span_id
            subsegment.id = span_hex(span_id)
            scope.xray_entities[span_id] = subsegment
            context = trace.set_span_in_context(span, context)
        subsegment.otel = (span, otel_context.attach(context))

    def end_subsegment(self, end_time: float | None = None) -> bool:
        """Close the open subsegment and its span; False where none is open."""
        entity: Any = otel_context.get_value(_ENTITY_KEY)
        if entity is None:
            return False
        span, token = entity.__dict__.pop("otel", (trace.INVALID_SPAN, None))
        entity.close(end_time)
        _finish(span, entity)
        if token is not None:
            otel_context.detach(token)
        return True

    def set_trace_entity(self, trace_entity: Any) -> None:  # noqa: ANN401 - as above
        """Make `trace_entity` the current one, as the SDK's thread helpers do."""
        otel_context.attach(otel_context.set_value(_ENTITY_KEY, trace_entity))

    def clear_trace_entities(self) -> None:
        """Forget the current entity."""
        otel_context.attach(otel_context.set_value(_ENTITY_KEY, None))


def _segment(scope: RequestScope) -> Any:  # noqa: ANN401 - the SDK publishes no types
    if not scope.span.is_recording():
        return DummySegment(scope.telemetry.settings.xray_service_name)
    span_id = span_hex(scope.span.get_span_context().span_id)
    return Segment(scope.telemetry.settings.xray_service_name, entityid=span_id, traceid=scope.xray_id)


def _finish(span: trace.Span, entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
    """End the span with the subsegment's annotations as attributes, so that Honeycomb shows them too."""
    span.set_attributes(entity.annotations)
    if getattr(entity, "fault", False):
        span.set_status(trace.StatusCode.ERROR)
    span.end()


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        logger.warning("the X-Ray SDK was used outside a request: nothing is recorded there (said once)")
