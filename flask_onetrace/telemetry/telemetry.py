"""Wire a Flask app to one tracer and to the sinks that are on."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, got_request_exception, has_request_context, request
from opentelemetry import trace
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, StatusCode

from flask_onetrace.telemetry import celery_signals, ids, process_globals, root_logger
from flask_onetrace.telemetry.access_log import AccessLog
from flask_onetrace.telemetry.config import SamplingConfig, TelemetryConfig
from flask_onetrace.telemetry.context.handled_exception import client_error_status
from flask_onetrace.telemetry.context.open_requests import OpenRequests
from flask_onetrace.telemetry.context.propagation import extract_baggage, resolve
from flask_onetrace.telemetry.context.request_scope import PLAIN_SIZE, RequestScope
from flask_onetrace.telemetry.context.semconv import request_attributes, response_attributes, span_name
from flask_onetrace.telemetry.context.trace_scope import TraceScope, current_scope
from flask_onetrace.telemetry.current_context import EMPTY_CONTEXT, enter_context
from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.export.threads import new_thread
from flask_onetrace.telemetry.jobs import Jobs
from flask_onetrace.telemetry.middleware import CLIENT_DISCONNECTED, TraceMiddleware
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sampling.rule import (
    KEEP_EVERYTHING,
    NOT_SAMPLED,
    Decision,
    LocalSampler,
    Sampler,
)
from flask_onetrace.telemetry.sampling.tail import TailSampler
from flask_onetrace.telemetry.sampling.trace_state import (
    PendingTraceState,
    SamplingTraceState,
    for_all_traces,
    for_sampled_traces,
)
from flask_onetrace.telemetry.sink import Sink, service_info
from flask_onetrace.telemetry.sinks import connect_all
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.spans.tracer import AppTracerProvider, Root
from flask_onetrace.telemetry.spans.unsampled import UnsampledSpan
from flask_onetrace.telemetry.traced_app import EXTENSION, refuse_traced, trace_requests
from flask_onetrace.telemetry.tracer_provider import install_provider

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = safe_logger(__name__)

_INSTRUMENTATION = InstrumentationScope("flask_onetrace.telemetry", "")
_SERVER_ERROR = 500
_RANDOM = trace.TraceFlags.RANDOM_TRACE_ID
_SAMPLED = trace.TraceFlags.SAMPLED
_NANOSECONDS_PER_MS = 1_000_000
_PROXY_FIX = "werkzeug.proxy_fix.orig"
"""Where `ProxyFix` keeps what it replaces, None for what was not there (Werkzeug's documentation)."""


class Telemetry:
    """The tracer and the sinks of one app."""

    def __init__(self, config: TelemetryConfig) -> None:
        self.config = config
        self.sampler = _sampler(config.sampling)
        service = service_info(config)
        self.redact = service.redact
        self.sinks = connect_all(config.sinks, service)
        self.provider = AppTracerProvider(service.resource, Jobs(self).decide_root, self.redact)
        for sink in self.sinks:
            if sink.span_processor is not None:
                self.provider.add_span_processor(sink.span_processor)
        self.log_handlers = tuple(sink.log_handler for sink in self.sinks if sink.log_handler is not None)
        access_sinks = tuple(sink.log_access for sink in self.sinks if sink.log_access is not None)
        self.log_level = logging.getLevelNamesMapping()[config.log_level]
        self._access_log = AccessLog(config.access_logger, access_sinks, self.log_level, config.quiet_paths)
        self._access_logger = logging.getLogger(config.access_logger)
        self._user_of = config.user_of
        self.trace_state_of = for_all_traces if config.sampling.record_unsampled else for_sampled_traces
        self.tail = TailSampler(config.sampling.tail_per_second)
        self._unsampled_state = self.trace_state_of(NOT_SAMPLED)
        self._records_unsampled = config.sampling.record_unsampled
        self._slow_ms = config.sampling.slow_seconds * 1000
        self._slow_ns = int(config.sampling.slow_seconds * _NANOSECONDS_PER_MS * 1000)
        self._reset()
        on_fork(self._reset)
        self.open_requests = OpenRequests[RequestScope]()
        self._has_span_sinks = any(sink.span_processor is not None for sink in self.sinks)
        self.middleware: TraceMiddleware
        self._package: str
        self._finalizer: weakref.finalize[[Telemetry], Flask] | None = None

    def _reset(self) -> None:
        # Reentrant: the garbage collector may end a request of the application's within it.
        self._keeping = threading.RLock()

    def install(self, app: Flask) -> None:
        """Wrap `app` in the middleware, and listen to its errors."""
        refuse_traced(app)
        app.extensions[EXTENSION] = self
        self._package = app.import_name.partition(".")[0]
        self.middleware = TraceMiddleware(self, _propagation(app))
        self.middleware.start_request = self._start_first_request
        trace_requests(app, self.middleware)
        got_request_exception.connect(self._on_exception, app)
        self._finalizer = weakref.finalize(app, _shut_down_in_background, self)
        self._finalizer.atexit = False  # `_shut_down_all` waits for the sinks
        _running.add(self)
        atexit.unregister(_shut_down_all)
        atexit.register(_shut_down_all)
        process_globals.install(self)
        celery_signals.connect_on_import()
        for message in self.config.unusable_variables.values():
            logger.warning(message)
        for sink in self.sinks:
            if sink.install is not None:
                sink.install()
            if sink.warning is not None:
                logger.warning(sink.warning)

    def sink(self, name: str) -> Sink:
        """Return the sink `name`, on or off. Raises `LookupError` for a name that no sink has."""
        for each in self.sinks:
            if each.name == name:
                return each
        raise LookupError(f"no sink is named {name!r}")

    def queue_of(self, sink: str) -> ExportQueue[Any] | None:
        """Return the queue of a sink by its name, None where that is off."""
        return self.sink(sink).queue

    def _start_first_request(self, environ: WSGIEnvironment) -> RequestScope:
        """Find what the application has set up since telemetry was installed, and start its first request."""
        self.middleware.start_request = self.start_request
        install_provider()
        return self.start_request(environ)

    def start_request(self, environ: WSGIEnvironment) -> RequestScope:
        """Resolve the trace context, decide sampling, and start the server span if sampled."""
        if root_logger.log_handler.was_closed:
            root_logger.restore(self._access_logger, self._package)
        digits, incoming = resolve(environ)
        base = extract_baggage(environ) if "HTTP_BAGGAGE" in environ else EMPTY_CONTEXT
        scope = RequestScope(self, digits or ids.trace_hex(ids.new_trace_id()), environ, base)
        scope.incoming = incoming
        if incoming.hint is not None:
            scope.hint = incoming.hint
        if incoming.tracestate is not None:
            scope.tracestate = incoming.tracestate
        if self._user_of is not None and (user := self._user_of(environ)):
            scope.identify(user)
        decision = scope.decision = self.sampler.decide(scope)
        state: SamplingTraceState
        if decision.sampled:
            scope.sampled = True
        if self._has_span_sinks and (decision.sampled or self._records_unsampled):
            state = self.trace_state_of(decision)
            if state.rate > 1 or not state.sampled:
                state = PendingTraceState(state, time.time_ns() + self._slow_ns, partial(self.keep, scope))
            trace_id = int(scope.trace_hex, 16)
            root = Root(trace_id, recorded=True, random=incoming.random, trace_state=state)
            scope.span = self._start_server_span(scope, environ, root)
        else:
            flags = _RANDOM if incoming.random else 0
            state = self._unsampled_state
            if decision.sampled:  # no sink takes spans, but the application's own SDK follows the flag
                flags |= _SAMPLED
                state = self.trace_state_of(decision)
            scope.span = UnsampledSpan(scope.trace_hex, flags, state)
            if _PROXY_FIX in environ:
                scope.proxy_fix = environ[_PROXY_FIX]
        return scope

    def _start_server_span(
        self,
        scope: RequestScope,
        environ: Mapping[str, Any],
        root: Root,
        *,
        start_time: int | None = None,
        span_id: int = 0,
    ) -> LightSpan | UnsampledSpan:
        incoming, base = scope.incoming, scope.base
        attributes = request_attributes(environ, scope.method, scope.path, scope.client_address, self.redact)
        if incoming.amzn_root is not None:
            attributes["aws.alb.trace_id"] = incoming.amzn_root
        if incoming.parent_id is not None:
            flags = trace.TraceFlags(trace.TraceFlags.RANDOM_TRACE_ID if incoming.random else 0)
            caller = trace.SpanContext(root.trace_id, incoming.parent_id, is_remote=True, trace_flags=flags)
            root = root._replace(caller=caller)
            base = trace.set_span_in_context(trace.NonRecordingSpan(caller), base)
        name, kind = span_name(scope.method, None), SpanKind.SERVER
        span = self.provider.start(
            _INSTRUMENTATION,
            name,
            base,
            kind,
            attributes,
            start_time=start_time,
            root=root,
            redacted=True,
            span_id=span_id,
        )
        if type(span) is LightSpan:
            # What a client makes as long as it likes, up to its limits; the ellipsis of a cut text takes two bytes, and
            # so does every other character of it then.
            texts = len(attributes.get("url.query", "")) + len(attributes.get("user_agent.original", ""))
            span.size += scope.size - PLAIN_SIZE + 2 * texts
        return span

    def records(self, decision: Decision) -> bool:
        """Return whether a trace of that decision is recorded, for any sink."""
        return self._has_span_sinks and (decision.sampled or self._records_unsampled)

    def keep(self, scope: TraceScope) -> None:
        """Decide, once, for a request that has failed or is slow: up to a limit a second, it is kept."""
        if not self._has_span_sinks:
            return
        span = scope.span
        held: Iterator[Any] = iter(())
        with self._keeping:  # held until it is done: another thread may be about to end the request
            if scope.is_decided:
                return
            scope.is_decided = True
            decision = self.tail.decide(scope.decision)
            self.sampler.count_anomaly(scope.decision, sampled=decision.sampled)
            scope.sampled = decision.sampled
            state = self.trace_state_of(decision)
            if type(span) is UnsampledSpan:
                if decision.sampled:
                    span.keep(state)
            elif isinstance(span.trace_state, PendingTraceState):
                held = span.trace_state.settle(state)
        for each in held:
            self.provider.process(each)
        self.tail.report()

    def _settle(self, pending: PendingTraceState) -> None:
        """Make a request's decision final, if it is not, and pass on the spans that waited for it."""
        for span in pending.settle():
            self.provider.process(span)

    def finish_request(self, scope: RequestScope, environ: WSGIEnvironment, end_time: int | None = None) -> None:
        """End the server span of `scope`, whose context is the current one, and write the access line.

        A request that was not recorded, and that failed or was slow, gets its server span now. `end_time` is in
        nanoseconds since the epoch, by default now.
        """
        if scope.environ is not None:  # the response has not begun
            scope.capture_route()
        try:
            if (
                scope.status >= _SERVER_ERROR
                or scope.duration_ms >= self._slow_ms
                or scope.error is not None
                or scope.is_decided
                or (scope.aborted is not None and scope.aborted != CLIENT_DISCONNECTED)
            ):
                self.keep(scope)
                if type(scope.span) is UnsampledSpan and scope.span.is_kept:
                    self._start_kept_span(scope, scope.span, environ, end_time or time.time_ns())
            span = scope.span
            # By type: of any class but its own, an abstract one is slow to say no.
            if type(span) is LightSpan:
                if type(span.trace_state) is PendingTraceState:
                    self._settle(span.trace_state)
                if span.is_recording():  # else the handler has ended it
                    try:
                        self._complete_server_span(span, scope)
                    finally:
                        span.end(end_time)
        except Exception:
            logger.exception("the server span of a request could not be ended")
        try:
            self._access_log.write(scope)
        finally:
            scope.proxy_fix = None
            scope.release()

    def _start_kept_span(
        self, scope: RequestScope, unsampled: UnsampledSpan, environ: WSGIEnvironment, end_time: int
    ) -> None:
        """Start the server span of a request that is about to end, and record the inner spans that an error left."""
        start_time = end_time - int(scope.duration_ms * _NANOSECONDS_PER_MS)
        state = unsampled.trace_state
        root = Root(scope.trace_id, recorded=True, random=bool(unsampled.flags & _RANDOM), trace_state=state)
        original = _before_proxy_fix(environ, scope.proxy_fix)
        span = self._start_server_span(scope, original, root, start_time=start_time, span_id=unsampled.span_id)
        scope.span = span
        failures, unsampled.failures = unsampled.failures, ()
        unsampled.is_closed = True
        if type(span) is LightSpan:
            self.provider.record_failures(span, failures)

    def _complete_server_span(self, span: LightSpan, scope: RequestScope) -> None:
        for extra in scope.extras.values():
            extra.before_end(scope)
        route = scope.route
        attributes = response_attributes(route, scope.status, scope.bytes_sent, scope.error)
        if scope.user_id is not None:
            attributes["user.id"] = scope.user_id
        span.complete(span_name(scope.method, route) if route is not None else None, attributes)
        if scope.event_ids:
            span.set_attributes(scope.event_ids)
        if scope.aborted is not None and scope.error is None:
            is_failure = scope.status >= _SERVER_ERROR and scope.aborted == CLIENT_DISCONNECTED
            span.set_attribute("error.type", str(scope.status) if is_failure else scope.aborted)
        if scope.error is not None:
            span.record_error(scope.error, snapshot=scope.error_snapshot())
        elif scope.aborted not in (None, CLIENT_DISCONNECTED):
            span.set_status(StatusCode.ERROR, scope.aborted)
        elif scope.status >= _SERVER_ERROR:
            span.set_status(StatusCode.ERROR)

    def _on_exception(self, sender: Flask, exception: BaseException, **_: object) -> None:  # noqa: ARG002 - the signal's signature
        if client_error_status(exception) is None:
            self.report_in_request(exception)

    def observe_mounted_apps(self) -> None:
        """Report the unhandled exceptions of Flask apps that answer a request of this one, and have no telemetry."""
        got_request_exception.connect(self._on_mounted_exception)

    def _on_mounted_exception(self, sender: Flask, exception: BaseException, **_: object) -> None:
        scope = current_scope()
        if EXTENSION not in sender.extensions and scope is not None and scope.telemetry is self:
            self._on_exception(sender, exception)

    def report_in_request(self, exception: BaseException) -> None:
        """Record an unhandled exception of Flask's current request. Never raises.

        That need not be the request of the current context, which code may have changed: it is made to be from here on.
        """
        current = current_scope()
        environ = request.environ if has_request_context() else None
        if environ is None or (isinstance(current, RequestScope) and current.environ is environ):
            self.report(exception, current)
            return
        if isinstance(exception, GeneratorExit):
            return  # the response has begun: its body was closed before its end, which is no failure
        scope: TraceScope | None = None
        if environ.get("PATH_INFO") not in self.middleware.untraced_paths:
            scope = self.open_requests.scope_of(environ)
            if scope is None and current is not None and current.telemetry is self:
                scope = current  # middleware has replaced all of the environment
        if scope is not None and scope is not current:
            enter_context(scope.context())
        self.report(exception, scope)

    def report(self, exception: BaseException, scope: TraceScope | None) -> None:
        """Record an unhandled exception on its request or job, and give it to the error sinks. Never raises."""
        if scope is not None:
            scope.error = exception
            scope.capture_route()
        for sink in self.sinks:
            if sink.report_exception is not None:
                try:
                    sink.report_exception(exception)
                except Exception:
                    logger.exception("%s could not take an exception", sink.name)

    def sampling_detail(self) -> dict[str, Any]:
        """Return where decisions come from, and the counts of the requests that failed or were slow."""
        source = getattr(self.sampler, "source", "local")
        return {"source": source, "kept_failed_or_slow": self.tail.kept, "over_limit": self.tail.not_kept}

    def flush(self, seconds: float) -> bool:
        """Send all that is queued now; return whether every sink managed within `seconds`."""
        self.open_requests.finish_unclosed()
        deadline = time.monotonic() + seconds
        queues = [sink.queue for sink in self.sinks if sink.queue is not None]
        return not [queue for queue in queues if not queue.flush(max(0.0, deadline - time.monotonic()))]

    def shutdown(self, seconds: float | None = None, *, aborted: str = "shutdown") -> bool:
        """Send what is queued, all sinks in parallel, within `seconds` or the config's deadline; return if all did.

        Requests that have not ended are finished first: `aborted` says why, on their spans and in their access lines.
        """
        if self._finalizer is not None:
            self._finalizer.detach()
        self.open_requests.abandon(aborted)
        process_globals.release(self)
        self.sampler.close()
        for sink in self.sinks:
            sink.begin_close(self.config.shutdown_deadline if seconds is None else seconds)
        unsent = [sink for sink in self.sinks if not sink.finish_close()]
        _running.discard(self)
        return not unsent


def _shut_down_in_background(telemetry: Telemetry) -> None:
    """End the threads of an app that was freed, without holding up the thread that dropped it."""
    with suppress(RuntimeError):  # the system has no thread left
        new_thread("shutdown", telemetry.shutdown).start()


_running: Final[weakref.WeakSet[Telemetry]] = weakref.WeakSet()
"""Those of the process's apps, until their sinks are closed."""


def _shut_down_all() -> None:
    """Flush at the interpreter's exit, unless a server has done so within its own deadline.

    An app may be freed just before, and another thread be flushing already: this waits for it.
    """
    for each in tuple(_running):
        each.shutdown()


def _before_proxy_fix(environ: Mapping[str, Any], outer: object) -> Mapping[str, Any]:
    """Return `environ` as the request came, without what Werkzeug's `ProxyFix` has replaced beneath.

    `outer` is what a `ProxyFix` around the app had kept by then: that is undone by nobody.
    """
    replaced = environ.get(_PROXY_FIX)
    if not isinstance(replaced, dict) or replaced is outer:
        return environ
    original = {**environ, **replaced}
    return {name: value for name, value in original.items() if value is not None}


def _propagation(app: Flask) -> Callable[[], bool]:
    """Return what tells whether the app's exceptions are meant to leave it (`PROPAGATE_EXCEPTIONS`, Flask)."""
    config = app.config

    def propagates() -> bool:
        chosen: bool | None = config.get("PROPAGATE_EXCEPTIONS")
        return chosen if chosen is not None else bool(config.get("TESTING") or config.get("DEBUG"))

    return propagates


def _sampler(config: SamplingConfig) -> Sampler:
    """Follow X-Ray's rules where a daemon serves them; else the local rule, and without one keep everything."""
    local = LocalSampler(config.rule or KEEP_EVERYTHING)
    if config.daemon is None:
        return local
    try:
        from flask_onetrace.telemetry.sampling.remote import RemoteSampler  # noqa: PLC0415 - imports the X-Ray SDK
    except ImportError:  # the X-Ray sink, which is off for the same reason, says so
        return local
    return RemoteSampler(config.daemon, local, config.service_name)
