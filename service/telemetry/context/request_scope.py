"""The telemetry state of one request: ids, sampling decision, user and error, available anywhere in the handler.

The scope is stored in OpenTelemetry's context, and propagated with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace

from service.telemetry.context.semconv import KNOWN_METHODS, client_address, decoded_path
from service.telemetry.current_context import current_context
from service.telemetry.plain import text
from service.telemetry.redaction import SHORT
from service.telemetry.redaction.copies import unchanged
from service.telemetry.redaction.limits import MAX_ADDRESS, MAX_ITEMS, MAX_METHOD, MAX_PATH, MAX_USER_ID
from service.telemetry.sampling.rule import NOT_SAMPLED
from service.telemetry.spans.exceptions import ExceptionSnapshot
from service.telemetry.spans.redacted import LARGE
from service.telemetry.spans.span import SPAN_KEY, LightSpan
from service.telemetry.spans.unsampled import UnsampledSpan, ended

if TYPE_CHECKING:
    import logging

    from _typeshed.wsgi import WSGIEnvironment

    from service.telemetry.config import TelemetryConfig
    from service.telemetry.context.open_requests import OpenRequests
    from service.telemetry.export.queue import ExportQueue
    from service.telemetry.redaction import Redactor
    from service.telemetry.spans.tracer import AppTracerProvider

SCOPE_KEY = otel_context.create_key("request-scope")
_SAMPLED = trace.TraceFlags.SAMPLED
_EMPTY = otel_context.Context()
PLAIN_SIZE = 2_000
"""Bytes that a scope with short texts keeps alive, and its span."""
_FLASK_REQUEST = "werkzeug.request"
"""Where Werkzeug's `Request` puts itself in the WSGI environment (`populate_request`, Werkzeug's documentation)."""


class AppTelemetry(Protocol):
    """The telemetry of one app, as everything below `telemetry.py` sees it."""

    config: TelemetryConfig
    provider: AppTracerProvider
    log_handlers: tuple[logging.Handler, ...]
    redact: Redactor
    open_requests: OpenRequests[RequestScope]

    def start_request(self, environ: WSGIEnvironment) -> RequestScope:
        """Begin a request."""

    def keep(self, scope: RequestScope) -> None:
        """Decide for a request that fails or is slow."""

    def finish_request(self, scope: RequestScope, environ: WSGIEnvironment, end_time: int | None = None) -> None:
        """End a request, whose context is the current one."""

    def report(self, exception: BaseException, scope: RequestScope | None) -> None:
        """Record an unhandled exception."""

    def queue_of(self, sink: str) -> ExportQueue[Any] | None:
        """Return the queue of a sink by its name, None where that is off."""


class ScopeExtra(Protocol):
    """Per-request state of one sink or SDK, in addition to the shared scope. Created without arguments."""

    def before_end(self, scope: RequestScope) -> None:
        """Finish what is open: the server span is about to end."""

    def release(self) -> None:
        """Drop references to the request: the sinks have what they need."""


E = TypeVar("E", bound=ScopeExtra)


class RequestScope:
    """The telemetry of one request, from its headers to the last byte of its response."""

    # Class attributes hold what most requests neither set nor read: in CPython 3.11 it takes longer to read them.
    _error_snapshot: tuple[BaseException, ExceptionSnapshot] | None = None
    tracestate: str | None = None
    annotations: Mapping[int, Mapping[str, Any]] = MappingProxyType({})
    """Attributes to be indexed, by span id."""
    event_ids: Mapping[str, str] = MappingProxyType({})
    """Attributes that error sinks add to the server span: the id and URL of the event they recorded."""
    decision = NOT_SAMPLED
    """That of the sampling rule, made when the request began."""
    proxy_fix: object = None
    """What a `ProxyFix` around the app had kept of the request when it came."""
    incoming: Any = None
    """The trace context that the caller sent."""
    status = 500
    bytes_sent = 0
    duration_ms = 0.0
    """From the request's arrival to the last byte of the response's body."""
    created = 0
    """When the access line was written, in milliseconds since the epoch."""
    _route: str | None = None
    span: LightSpan | UnsampledSpan
    """The server span."""

    def __init__(
        self,
        telemetry: AppTelemetry,
        trace_hex: str,
        environ: WSGIEnvironment,
        base: otel_context.Context,
    ) -> None:
        self.telemetry = telemetry
        self.base = base
        """The caller's baggage."""
        self.trace_hex = trace_hex
        """The trace id as Honeycomb, the logs and Rollbar show it."""
        method = environ["REQUEST_METHOD"]
        self.method: str = method if method in KNOWN_METHODS else method[:MAX_METHOD]
        path, redact = environ.get("PATH_INFO", ""), telemetry.redact
        # Most requests take no further call.
        if len(path) <= SHORT and path.isascii():
            self.path: str = redact.short_text(path)
            self.size = PLAIN_SIZE
            """An estimate of the bytes that it keeps alive."""
        else:
            self.path = redact.text(decoded_path(path), MAX_PATH)
            self.size = PLAIN_SIZE + getsizeof(self.path)
        self.is_forwarded = is_forwarded = "HTTP_X_FORWARDED_FOR" in environ
        self.client_address: str = (
            client_address(environ) if is_forwarded else environ.get("REMOTE_ADDR", "")[:MAX_ADDRESS]
        )
        self.environ: WSGIEnvironment | None = environ
        """None once the route is captured."""
        self.user_id: str | None = None
        self.error: BaseException | None = None
        self.sampled = False
        """Whether the request has a trace: by the sampling rule, or because it failed or was slow."""
        self.is_decided = False
        """Whether that is final, since it has failed or is slow."""
        self.aborted: str | None = None
        """Why the response was cut off: `client_disconnected`, `timeout` or `shutdown`."""
        self.hint: bool | None = None
        """The caller's sampled flag, None where it sent none."""
        self.extras: dict[type[ScopeExtra], Any] = {}
        """What sinks and SDKs keep of this request, by class; `extra_of` adds one."""

    def context(self) -> otel_context.Context:
        """Return the context in which the handler runs: the caller's baggage, the scope and the server span.

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
    def host(self) -> str:
        """The `Host` header, while the request is known."""
        host: str = (self.environ or {}).get("HTTP_HOST", "")
        return host

    @property
    def is_recorded(self) -> bool:
        """Whether it has a trace, which may have ended already."""
        return bool(self.span.flags & _SAMPLED)

    @property
    def route(self) -> str | None:
        """The URL rule that matched, None while or where none did."""
        environ = self.environ
        return self._route if environ is None else _matched_rule(environ)

    def extra_of(self, kind: type[E]) -> E:
        """Return this request's `kind`, made at the first call."""
        extra: E = self.extras.get(kind) or self.extras.setdefault(kind, kind())
        return extra

    def identify(self, user: object) -> None:
        """Name the user of the request; None clears it."""
        self.user_id = None if user is None else self.telemetry.redact.text(text(user), MAX_USER_ID)

    def annotate(self, span_id: int, values: Mapping[str, Any]) -> None:
        """Have the attributes `values` of the span indexed."""
        copy = self.telemetry.redact.copier(unchanged).mapping(values)
        annotations = self._own("annotations", {}).setdefault(span_id, {})
        if len(annotations) < MAX_ITEMS:
            annotations.update(copy)

    def add_event_ids(self, values: Mapping[str, str]) -> None:
        """Add the id of an error event to the server span, where a back end has recorded one."""
        self._own("event_ids", {}).update(values)

    def _own(self, name: str, empty: Any) -> Any:  # noqa: ANN401 - a dict, as `empty` is
        """Return this scope's own container `name`, created atomically: a request's threads may race."""
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
        self.error = self._error_snapshot = self.tracestate = self.incoming = self.proxy_fix = None
        self.base = _EMPTY
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
        """Keep the route and drop the request: Flask is about to, and queued log lines hold the scope."""
        environ = self.environ
        if environ is not None:
            rule = getattr(environ.get(_FLASK_REQUEST), "url_rule", None)
            self._route = rule.rule if rule is not None else None
            self.environ = None


def _matched_rule(environ: WSGIEnvironment) -> str | None:
    rule = getattr(environ.get(_FLASK_REQUEST), "url_rule", None)
    return rule.rule if rule is not None else None


def current_scope(context: otel_context.Context | None = None) -> RequestScope | None:
    """Return the scope of the request that `context` (by default the running code) belongs to."""
    current: Mapping[str, Any] = current_context() if context is None else context
    scope: RequestScope | None = current.get(SCOPE_KEY)
    return scope
