"""Create the span of a request that is not sampled."""

from __future__ import annotations

from threading import get_ident
from time import time_ns
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from opentelemetry import trace
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flask_onetrace.telemetry import ids

OUTGOING = frozenset({trace.SpanKind.CLIENT, trace.SpanKind.PRODUCER})
"""The kinds of spans whose ids another service gets to see."""
_random_bits = ids.private_random.getrandbits
_MAX_FAILURES = 16
"""Inner spans of a request that are remembered because an exception left them."""
_FLAGS = tuple(trace.TraceFlags(bits) for bits in range(4))


class Failure(NamedTuple):
    """An inner span that was not recorded, and that an exception left: the request may be kept for it.

    `arguments` are what `start_as_current_span` was called with, without its last one; the times are in nanoseconds
    since the epoch.
    """

    instrumentation: InstrumentationScope
    arguments: tuple[Any, ...]
    span_id: int
    start_time: int
    end_time: int
    thread: int
    error: BaseException
    traceback: TracebackType | None


class UnsampledSpan(trace.NonRecordingSpan):
    """The span of a request that is not recorded: it carries the ids, and serves as every inner span too."""

    _own_context: trace.SpanContext | None = None
    _server: UnsampledSpan | None = None
    scope: Any = None
    """Of a root span outside any request, and of the calls within it: their job's scope."""
    is_kept = False
    """Whether a span with these ids is recorded at the request's end."""

    def __init__(self, trace_hex: str, flags: int, trace_state: trace.TraceState) -> None:
        self.trace_hex = trace_hex
        self.span_id = _random_bits(64) or 1  # `ids.new_span_id`, without a call
        self.flags = flags
        self.trace_state = trace_state
        self.is_closed = False
        """Whether its request has ended: failures are remembered no more, as their tracebacks keep its objects."""
        self.failures: tuple[Failure, ...] = ()
        """The innermost first, as far as one is within the other."""

    @property
    def trace_id(self) -> int:
        """The trace id as a number, which few requests need."""
        return int(self.trace_hex, 16)

    def outgoing(self) -> UnsampledSpan:
        """Return the span of a call to another service, which has an id of its own there."""
        server = self._server or self
        if server.is_kept:  # its id is that of a span that will be recorded
            return server
        span = UnsampledSpan(self.trace_hex, self.flags, self.trace_state)
        span._server = server
        if self.scope is not None:
            span.scope = self.scope
        return span

    def end(self, end_time: int | None = None) -> None:  # noqa: ARG002 - the API's signature
        """End the job whose root span it is; nothing else has an end."""
        scope = self.scope
        if scope is not None and scope.span is self:
            scope.end_unsampled()

    def add_failure(
        self, instrumentation: InstrumentationScope, arguments: tuple[Any, ...], start_time: int, error: BaseException
    ) -> None:
        """Remember an inner span that `error` has just left, and that this span stood for."""
        server = self._server or self
        if server.is_closed or len(server.failures) >= _MAX_FAILURES:
            return
        # Within the span of a call others may have failed: its id is its own.
        is_call = server is not self and arguments[2] in OUTGOING
        span_id = self.span_id if is_call else ids.new_span_id()
        thread, traceback = get_ident(), error.__traceback__
        failure = Failure(instrumentation, arguments, span_id, start_time, time_ns(), thread, error, traceback)
        server.failures += (failure,)

    def keep(self, trace_state: trace.TraceState) -> None:
        """Mark the trace as sampled: what the request calls from now on learns of it."""
        self.flags |= trace.TraceFlags.SAMPLED
        self.trace_state = trace_state
        self._own_context = None
        self.is_kept = True

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
    ids_only = UnsampledSpan(ids.trace_hex(span.trace_id), span.flags, span.trace_state)
    ids_only.span_id, ids_only.is_closed = span.span_id, True
    return ids_only


class SpanIds(Protocol):
    """What identifies a span: numbers, the W3C trace flags, and the trace state."""

    @property
    def trace_id(self) -> int:
        """The trace id."""

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
