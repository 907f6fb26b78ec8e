"""Copy the spans that an application's own tracer provider starts within an observed request or job.

A copy has the trace id and the span id of its original, so that a trace has one id in every back end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.instrumentations.server import is_server
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.span import OWN_SPAN, LightSpan

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

logger = safe_logger(__name__)

_MAX_OPEN: Final = 10_000
"""Copies of spans that have not ended; further spans are not copied. An application may forget to end some."""


class ApplicationSpans(SpanProcessor):
    """A span processor for the application's own provider, which starts and ends a copy with each span."""

    def __init__(self) -> None:
        self._open: dict[int, LightSpan] = {}
        """The copies by span id: a processor does not get the same object at a span's start and end."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Start the copy of `span`, under the copy of its parent. Never raises."""
        try:
            self._start(span, parent_context)
        except Exception:
            logger.exception("a span of the application's own tracer provider could not be copied")

    def _start(self, span: Span, parent_context: Context | None) -> None:
        scope, instrumentation = current_scope(parent_context), span.instrumentation_scope
        if scope is None or instrumentation is None or type(scope.span) is not LightSpan:
            return
        ids, current = span.get_span_context(), trace.get_current_span(parent_context)
        parent = current if type(current) is LightSpan else getattr(current, OWN_SPAN, scope.span)
        if ids is None or ids.trace_id != parent.trace_id or len(self._open) >= _MAX_OPEN:
            return
        if scope.is_request and parent is scope.span and is_server(instrumentation.name):
            setattr(span, OWN_SPAN, parent)  # the request has its server span
            return
        copy = scope.telemetry.provider.start(
            instrumentation,
            span.name,
            parent_context,
            span.kind,
            dict(span.attributes or {}),
            span.links,
            span.start_time,
            parent=parent,
            span_id=ids.span_id,
        )
        if type(copy) is LightSpan:
            setattr(span, OWN_SPAN, copy)
            self._open[ids.span_id] = copy

    def on_end(self, span: ReadableSpan) -> None:
        """Set the final name, attributes, events and status on the copy of `span`, and end it. Never raises."""
        copy = self._open.pop(span.context.span_id, None) if span.context is not None else None
        if copy is None:
            return
        try:
            _complete(copy, span)
            copy.end(span.end_time)
        except Exception:
            logger.exception("a span of the application's own tracer provider could not be copied")

    def shutdown(self) -> None:
        """Forget the copies of spans that have not ended."""
        self._open.clear()


def _complete(copy: LightSpan, span: ReadableSpan) -> None:
    copy.update_name(span.name)
    copy.set_attributes(dict(span.attributes or {}))
    for event in span.events:
        copy.add_event(event.name, event.attributes, event.timestamp)
    if span.status.status_code is not trace.StatusCode.UNSET:
        copy.set_status(span.status)
