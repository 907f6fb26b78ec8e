"""Create the span of a request that is not sampled."""

from __future__ import annotations

from typing import Protocol

from opentelemetry import trace

from service.telemetry import ids

_FLAGS = tuple(trace.TraceFlags(bits) for bits in range(4))


class UnsampledSpan(trace.NonRecordingSpan):
    """The span of a request that is not sampled: it carries the ids, and serves as every inner span too."""

    _own_context: trace.SpanContext | None = None

    def __init__(self, trace_id: int, flags: int, trace_state: trace.TraceState) -> None:
        self.trace_id = trace_id
        self.span_id = ids.new_span_id()
        self.flags = flags
        self.trace_state = trace_state

    def get_span_context(self) -> trace.SpanContext:
        """Return the API's span context, created at first use."""
        context = self._own_context
        if context is None:
            context = self._own_context = context_of(self)
        return context

    def __repr__(self) -> str:
        return f"UnsampledSpan({self.get_span_context()!r})"


def ended(span: SpanIds) -> UnsampledSpan:
    """Return what has the ids of a span that has ended, and keeps none of its attributes in memory."""
    ids_only = UnsampledSpan.__new__(UnsampledSpan)
    ids_only.trace_id, ids_only.span_id = span.trace_id, span.span_id
    ids_only.flags, ids_only.trace_state = span.flags, span.trace_state
    return ids_only


class SpanIds(Protocol):
    """What identifies a span: numbers, the W3C trace flags, and the trace state."""

    trace_id: int
    span_id: int
    flags: int
    trace_state: trace.TraceState


def context_of(span: SpanIds) -> trace.SpanContext:
    """Return the API's span context for `span`."""
    return trace.SpanContext(
        span.trace_id,
        span.span_id,
        is_remote=False,
        trace_flags=_FLAGS[span.flags],
        trace_state=span.trace_state,
    )
