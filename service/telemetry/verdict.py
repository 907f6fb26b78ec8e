"""Carry what was decided for a trace with each of its spans, on whatever thread they end.

OpenTelemetry's SDK hands the trace state that a sampler gives a span on to the span's children. It is never sent:
the request's own `tracestate` is kept in its scope.
"""

from __future__ import annotations

from opentelemetry.trace import SpanContext, TraceState


class Verdict(TraceState):
    """A trace state without members. `rate` is how many spans each one stands for."""

    def __init__(self, *, rate: int, in_xray: bool) -> None:
        super().__init__()
        self.rate = rate
        self.in_xray = in_xray


_UNSAID = Verdict(rate=1, in_xray=True)


def verdict_of(span: SpanContext) -> Verdict:
    """Return what was decided for the trace of `span`; one that application code joined by itself counts as 1."""
    state = span.trace_state
    return state if isinstance(state, Verdict) else _UNSAID
