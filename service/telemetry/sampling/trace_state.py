"""Carry a trace's sampling decision with each of its spans, across threads.

A span passes its trace state on to its children. This one is never sent: the request's own `tracestate` header is kept
in its scope.
"""

from __future__ import annotations

from functools import lru_cache

from opentelemetry.trace import TraceState

from service.telemetry.sampling.rule import Decision


class SamplingTraceState(TraceState):
    """A trace state without members. `rate` is how many spans each one represents; `sampled` is the rule's decision.

    A span may be recorded though its trace is not sampled, for the sinks that take every request.
    """

    def __init__(self, *, rate: int, sampled: bool) -> None:
        super().__init__()
        self.rate = rate
        self.sampled = sampled


sampling_trace_state = lru_cache(maxsize=1024)(SamplingTraceState)
"""Return the one trace state of that rate and decision: they never change, and a service has few."""


@lru_cache(maxsize=1024)
def for_sampled_traces(decision: Decision) -> SamplingTraceState:
    """Return the trace state of `decision` where only sampled requests are recorded."""
    # Cached by the decision itself: a call by keyword costs more than the look-up.
    return sampling_trace_state(rate=decision.rate, sampled=decision.sampled)


@lru_cache(maxsize=1024)
def for_all_traces(decision: Decision) -> SamplingTraceState:
    """Return the trace state of `decision` where every request is recorded, at rate 1."""
    return sampling_trace_state(rate=1, sampled=decision.sampled)


_FOREIGN = sampling_trace_state(rate=1, sampled=True)


def trace_state_of(state: TraceState) -> SamplingTraceState:
    """Return `state` if it is ours; a trace that application code has joined counts as sampled, at rate 1."""
    return state if isinstance(state, SamplingTraceState) else _FOREIGN
