"""Carry a trace's sampling decision with each of its spans, across threads.

A span passes its trace state on to its children. This one is never sent: the request's own `tracestate` header is kept
in its scope.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from time import time_ns
from typing import Any

from opentelemetry.trace import TraceState

from flask_onetrace.telemetry.sampling.rule import Decision


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


class PendingTraceState(SamplingTraceState):
    """The trace state of one request whose decision may change at its end: then it changes for all of its spans.

    Until then it holds those that have ended, so that no back end gets one with another rate or without its server
    span: up to `_MAX_HELD` of them. `decide` is called once a span ends later than `decide_at`, in nanoseconds since
    the epoch: what is slow by then need not wait for its end.
    """

    _MAX_HELD = 1_000

    def __init__(self, decision: SamplingTraceState, decide_at: int, decide: Callable[[], None]) -> None:
        super().__init__(rate=decision.rate, sampled=decision.sampled)
        self._decide_at = decide_at
        self._decide: Callable[[], None] | None = decide
        self._held: deque[Any] = deque()

    def hold(self, span: Any) -> bool:  # noqa: ANN401 - of a higher layer
        """Keep a span that has ended for later; return whether it did."""
        decide = self._decide
        if decide is None:
            return False
        if time_ns() >= self._decide_at:
            decide()
        if len(self._held) >= self._MAX_HELD:
            return False
        self._held.append(span)
        # Another thread may have settled it in between, and have seen the queue without this span.
        return self._decide is not None or not self._take_back(span)

    def _take_back(self, span: Any) -> bool:  # noqa: ANN401 - as above
        try:
            self._held.remove(span)
        except ValueError:
            return False
        return True

    def settle(self, decision: SamplingTraceState | None = None) -> Iterator[Any]:
        """Change the decision, if there is another; yield the spans that were held."""
        if decision is not None:
            self.rate, self.sampled = decision.rate, decision.sampled
        self._decide = None  # which refers to the request
        while self._held:
            try:
                yield self._held.popleft()
            except IndexError:  # its own thread took it back
                return


_FOREIGN = sampling_trace_state(rate=1, sampled=True)


def trace_state_of(state: TraceState) -> SamplingTraceState:
    """Return `state` if it is ours; a trace that application code has joined counts as sampled, at rate 1."""
    return state if isinstance(state, SamplingTraceState) else _FOREIGN
