"""Stand for all the spans of a request that is not sampled, and make what the API knows a span by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace

from service.telemetry import ids

if TYPE_CHECKING:
    from service.telemetry.spans.span import LightSpan

_FLAGS = tuple(trace.TraceFlags(bits) for bits in range(4))


class UnrecordedSpan(trace.NonRecordingSpan):
    """The span of a request that is not sampled: it carries the ids, and stands for all spans within."""

    _made: trace.SpanContext | None = None

    def __init__(self, trace_id: int, flags: int, trace_state: trace.TraceState) -> None:
        self.trace_id = trace_id
        self.span_id = ids.new_span_id()
        self.flags = flags
        self.trace_state = trace_state

    def get_span_context(self) -> trace.SpanContext:
        """Return the ids as the API has them, made when they are asked for."""
        made = self._made
        if made is None:
            made = self._made = context_of(self)
        return made

    def __repr__(self) -> str:
        return f"UnrecordedSpan({self.get_span_context()!r})"


def context_of(span: LightSpan | UnrecordedSpan) -> trace.SpanContext:
    """Return the ids, flags and trace state of `span` as the API has them."""
    return trace.SpanContext(
        span.trace_id,
        span.span_id,
        is_remote=False,
        trace_flags=_FLAGS[span.flags],
        trace_state=span.trace_state,
    )
