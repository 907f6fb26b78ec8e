"""The telemetry state of one trace in this process: ids, sampling decision, user and error.

It belongs to a request or a job, and is available anywhere in the code that it runs: stored in OpenTelemetry's context,
or known to the current span.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace

from flask_onetrace.telemetry.current_context import EMPTY_CONTEXT, current_context
from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.redaction.copies import unchanged
from flask_onetrace.telemetry.redaction.limits import MAX_ITEMS, MAX_USER_ID
from flask_onetrace.telemetry.sampling.rule import NOT_SAMPLED, Decision, Sampler
from flask_onetrace.telemetry.sampling.trace_state import SamplingTraceState
from flask_onetrace.telemetry.spans.exceptions import ExceptionSnapshot
from flask_onetrace.telemetry.spans.redacted import LARGE
from flask_onetrace.telemetry.spans.span import OWN_SPAN, SPAN_KEY, LightSpan
from flask_onetrace.telemetry.spans.unsampled import UnsampledSpan, ended

if TYPE_CHECKING:
    import logging

    from _typeshed.wsgi import WSGIEnvironment

    from flask_onetrace.telemetry.config import TelemetryConfig
    from flask_onetrace.telemetry.context.open_requests import OpenRequests
    from flask_onetrace.telemetry.export.queue import ExportQueue
    from flask_onetrace.telemetry.redaction import Redactor
    from flask_onetrace.telemetry.spans.tracer import AppTracerProvider

SCOPE_KEY = otel_context.create_key("trace-scope")
_SAMPLED = trace.TraceFlags.SAMPLED
_SPAN_TYPES = frozenset({LightSpan, UnsampledSpan})


class AppTelemetry(Protocol):
    """The telemetry of one app, as everything below `telemetry.py` sees it."""

    config: TelemetryConfig
    provider: AppTracerProvider
    log_handlers: tuple[logging.Handler, ...]
    log_level: int
    redact: Redactor
    open_requests: OpenRequests[Any]
    sampler: Sampler

    @property
    def trace_state_of(self) -> Callable[[Decision], SamplingTraceState]:
        """Return the trace state of a decision."""

    def records(self, decision: Decision) -> bool:
        """Return whether a trace of that decision is recorded, for any sink."""

    def start_request(self, environ: WSGIEnvironment) -> Any:  # noqa: ANN401 - its scope, of a class that imports this
        """Begin a request."""

    def keep(self, scope: TraceScope) -> None:
        """Decide for a request or a job that fails or is slow."""

    def finish_request(self, scope: Any, environ: WSGIEnvironment, end_time: int | None = None) -> None:  # noqa: ANN401 - as above
        """End a request, whose context is the current one."""

    def report(self, exception: BaseException, scope: TraceScope | None) -> None:
        """Record an unhandled exception."""

    def shutdown(self, seconds: float | None = None) -> bool:
        """Send what is queued within `seconds`."""

    def queue_of(self, sink: str) -> ExportQueue[Any] | None:
        """Return the queue of a sink by its name, None where that is off."""


class ScopeExtra(Protocol):
    """State of one sink or SDK in addition to the shared scope. Created without arguments."""

    def before_end(self, scope: TraceScope) -> None:
        """Finish what is open: the scope's root span is about to end."""

    def release(self) -> None:
        """Drop references to the scope: the sinks have what they need."""


E = TypeVar("E", bound=ScopeExtra)


class TraceScope:
    """State shared by requests and jobs."""

    # Class attributes hold what most scopes neither set nor read: in CPython 3.11 it takes longer to read them.
    _error_snapshot: tuple[BaseException, ExceptionSnapshot] | None = None
    tracestate: str | None = None
    annotations: Mapping[int, Mapping[str, Any]] = MappingProxyType({})
    """Attributes to be indexed, by span id."""
    event_ids: Mapping[str, str] = MappingProxyType({})
    """Attributes that error sinks add to the root span: the id and URL of the event they recorded."""
    decision = NOT_SAMPLED
    """That of the sampling rule, made when the trace began here."""
    incoming: Any = None
    """The trace context that the caller sent."""
    created = 0
    """When the access line was written, in milliseconds since the epoch."""
    duration_ms = 0.0
    """From the request's arrival to the last byte of the response's body; how long a job ran."""
    is_request = False
    is_forwarded = False
    """Whether the client's address is from `X-Forwarded-For`."""
    client_address: str
    route: Any = None
    """The URL rule that matched, None while or where none did."""
    telemetry: AppTelemetry
    base: otel_context.Context
    """The caller's baggage."""
    trace_hex: str
    """The trace id as Honeycomb, the logs and Rollbar show it."""
    span: LightSpan | UnsampledSpan
    """The root span in this process: a request's server span."""
    method: str
    path: str
    size: int
    """An estimate of the bytes that it keeps alive."""
    user_id: str | None
    error: BaseException | None
    sampled: bool
    """Whether it has a trace: by the sampling rule, or because it failed or was slow."""
    is_decided: bool
    """Whether that is final, since it has failed or is slow."""
    hint: bool | None
    """The caller's sampled flag, None where it sent none."""
    extras: dict[type[ScopeExtra], Any]
    """What sinks and SDKs keep of it, by class; `extra_of` adds one."""

    def context(self) -> otel_context.Context:
        """Return the context in which its code runs: the caller's baggage, the scope and the root span.

        Not kept: scope and context would refer to each other until the garbage collector finds them.
        """
        own = {SCOPE_KEY: self, SPAN_KEY: self.span}
        return otel_context.Context({**self.base, **own} if self.base else own)

    @property
    def trace_id(self) -> int:
        """The trace id as a number."""
        return self.span.trace_id

    @property
    def service(self) -> str:
        """The service that sampling rules match."""
        return self.telemetry.config.sampling.service_name

    @property
    def is_recorded(self) -> bool:
        """Whether it has a trace, which may have ended already."""
        return bool(self.span.flags & _SAMPLED)

    def extra_of(self, kind: type[E]) -> E:
        """Return this scope's `kind`, made at the first call."""
        extra: E = self.extras.get(kind) or self.extras.setdefault(kind, kind())
        return extra

    def identify(self, user: object) -> None:
        """Name the user; None clears it."""
        self.user_id = None if user is None else self.telemetry.redact.text(text(user), MAX_USER_ID)

    def annotate(self, span_id: int, values: Mapping[str, Any]) -> None:
        """Record `values` as annotations of the span."""
        copy = self.telemetry.redact.copier(unchanged).mapping(values)
        annotations = self._own("annotations", {}).setdefault(span_id, {})
        if len(annotations) < MAX_ITEMS:
            annotations.update(copy)

    def add_event_ids(self, values: Mapping[str, str]) -> None:
        """Add the id of an error event to the root span, where a back end has recorded one."""
        self._own("event_ids", {}).update(values)

    def _own(self, name: str, empty: Any) -> Any:  # noqa: ANN401 - a dict, as `empty` is
        """Return this scope's own container `name`, created atomically: its threads may race."""
        return vars(self).setdefault(name, empty)

    def error_snapshot(self) -> ExceptionSnapshot | None:
        """Return the error without its frames, made once."""
        error = self.error
        if error is not None and (self._error_snapshot is None or self._error_snapshot[0] is not error):
            self._error_snapshot = error, ExceptionSnapshot(error, error.__traceback__, self.telemetry.redact)
        return self._error_snapshot[1] if self._error_snapshot is not None else None

    def release(self) -> None:
        """Drop what the sinks have been given, and what the caller sent for others: error, extras, baggage.

        A large span stays in memory for its sinks alone.

        Queued log lines hold the scope: what it holds would stay in memory with them.
        """
        self.error = self._error_snapshot = self.tracestate = self.incoming = None
        self.base = EMPTY_CONTEXT
        span = self.span
        if type(span) is UnsampledSpan:
            span.is_closed = True
            if span.failures:
                span.failures = ()
        elif type(span) is LightSpan and span.size > LARGE:
            self.span = ended(span)
        if self.extras:
            for extra in self.extras.values():
                extra.release()

    def capture_route(self) -> None:
        """Record the URL rule that a request matched."""


def current_scope(context: otel_context.Context | None = None) -> TraceScope | None:
    """Return the scope that `context` (by default the running code) belongs to.

    A span that was started outside any request has one of its own, whoever made it the current one.
    """
    current: Mapping[str, Any] = current_context() if context is None else context
    scope: TraceScope | None = current.get(SCOPE_KEY)
    return scope if scope is not None else scope_of_span(current.get(SPAN_KEY))


def scope_of_span(span: object) -> TraceScope | None:
    """Return the job scope that a span, or its copy, belongs to; None within a request, and for all other spans."""
    own = span if type(span) in _SPAN_TYPES else getattr(span, OWN_SPAN, None)
    scope: TraceScope | None = getattr(own, "scope", None)
    return scope
