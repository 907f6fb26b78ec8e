"""Carry what was decided for a trace with each of its spans, on whatever thread they end.

A span hands the trace state that it was given on to its children. This one is never sent: the request's own
`tracestate` is kept in its scope.
"""

from __future__ import annotations

from functools import lru_cache

from opentelemetry.trace import SpanContext, TraceState

from service.telemetry.sampling.rule import Decision


class Verdict(TraceState):
    """A trace state without members. `rate` is how many spans each one stands for."""

    def __init__(self, *, rate: int, in_xray: bool) -> None:
        super().__init__()
        self.rate = rate
        self.in_xray = in_xray


verdict = lru_cache(maxsize=1024)(Verdict)
"""Return the one verdict of that rate and place: they never change, and a service knows few."""


@lru_cache(maxsize=1024)
def of_sampled(decision: Decision) -> Verdict:
    """Return what spans carry of `decision` where Honeycomb gets what is sampled: a look instead of a call by name."""
    return verdict(rate=decision.rate, in_xray=decision.sampled)


@lru_cache(maxsize=1024)
def of_everything(decision: Decision) -> Verdict:
    """Return what spans carry of `decision` where Honeycomb gets every request."""
    return verdict(rate=1, in_xray=decision.sampled)


_UNSAID = verdict(rate=1, in_xray=True)


def said_by(state: TraceState) -> Verdict:
    """Return what was decided for the trace of `state`; one that application code joined by itself counts as 1."""
    return state if isinstance(state, Verdict) else _UNSAID


def verdict_of(span: SpanContext) -> Verdict:
    """Return what was decided for the trace of `span`."""
    return said_by(span.trace_state)
