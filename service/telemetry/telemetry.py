"""Bring it together: one tracer, the sinks that are on, and what a Flask app is wired to."""

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from flask import Flask, got_request_exception
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, StatusCode

from service.settings import Settings
from service.telemetry import ids, process_globals
from service.telemetry.context.propagation import NOTHING, Incoming, incoming_baggage, resolve
from service.telemetry.context.request_scope import RequestScope, current_scope
from service.telemetry.context.semconv import request_attributes, response_attributes, span_name
from service.telemetry.middleware import TraceMiddleware
from service.telemetry.sampling.remote import RemoteSampler
from service.telemetry.sampling.rule import KEEP_EVERYTHING, Decision, LocalSampler, Question, Sampler
from service.telemetry.sampling.trace_state import of_everything, of_sampled
from service.telemetry.sinks import connect_all
from service.telemetry.spans.span import LightSpan
from service.telemetry.spans.tracer import AppTracerProvider, Root
from service.telemetry.spans.unsampled import UnrecordedSpan
from service.telemetry.xray_sdk.context import close_left_open

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from service.telemetry.sink import Sink

EXTENSION = "telemetry"
_INSTRUMENTATION = InstrumentationScope("service.telemetry", "")
ROLLBAR_ITEM = "https://rollbar.com/instance/uuid?uuid="
"""Leads a signed-in person to the occurrence of that uuid; the link that Rollbar's Ruby SDK prints."""
_SERVER_ERROR = 500
_RANDOM = trace.TraceFlags.RANDOM_TRACE_ID


class Telemetry:
    """The tracer and the sinks of one app."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sampler = _sampler(settings)
        resource = _resource(settings)
        self.sinks: tuple[Sink, ...] = connect_all(settings, resource)
        self.provider = AppTracerProvider(resource, partial(self._other_root, self.sampler))
        for sink in self.sinks:
            if sink.span_processor is not None:
                self.provider.add_span_processor(sink.span_processor)
        self.log_handlers = tuple(sink.log_handler for sink in self.sinks if sink.log_handler is not None)
        self.access_logs = tuple(sink.log_access for sink in self.sinks if sink.log_access is not None)
        self._verdict_of = of_everything if settings.honeycomb_keep_everything else of_sampled
        self._traces = any(sink.span_processor is not None for sink in self.sinks)

    def install(self, app: Flask) -> None:
        """Wire `app`: the middleware outside everything, and its errors."""
        app.extensions[EXTENSION] = self
        app.wsgi_app = TraceMiddleware(app.wsgi_app, self)  # type: ignore[method-assign]  # Flask's documented way
        got_request_exception.connect(self._on_exception, app, weak=False)
        process_globals.open_for(self)

    def open(self, environ: WSGIEnvironment) -> RequestScope:
        """Resolve the trace context, decide sampling, and start the server span if sampled. Never raises."""
        incoming = resolve(environ)
        base = incoming_baggage(environ) if "HTTP_BAGGAGE" in environ else NOTHING
        scope = RequestScope(self, incoming.trace_id or ids.new_trace_id(), environ, base)
        if incoming.tracestate is not None:
            scope.tracestate = incoming.tracestate
        if self.settings.alb_authenticates:
            scope.user_id = environ.get("HTTP_X_AMZN_OIDC_IDENTITY")
        elif self.settings.trust_user_header:
            scope.user_id = environ.get("HTTP_X_CRUDDUR_USER") or None
        decision = self.sampler.decide(
            Question(
                self.settings.xray_service_name, environ.get("HTTP_HOST", ""), scope.method, scope.path, incoming.hint
            )
        )
        scope.sampled = decision.sampled
        scope.span = self._server_span(scope, incoming, base, environ, decision)
        return scope

    def _server_span(
        self,
        scope: RequestScope,
        incoming: Incoming,
        base: Context,
        environ: WSGIEnvironment,
        decision: Decision,
    ) -> LightSpan | UnrecordedSpan:
        if not self._records(decision):
            return UnrecordedSpan(scope.trace_id, _RANDOM if incoming.random else 0, self._verdict_of(decision))
        root = self._root(scope.trace_id, decision, random=incoming.random)
        attributes = request_attributes(environ)
        if incoming.amzn_root is not None:
            attributes["aws.alb.trace_id"] = incoming.amzn_root
        if incoming.parent_id is not None:
            flags = trace.TraceFlags(trace.TraceFlags.RANDOM_TRACE_ID if incoming.random else 0)
            caller = trace.SpanContext(scope.trace_id, incoming.parent_id, is_remote=True, trace_flags=flags)
            root = root._replace(caller=caller)
            base = trace.set_span_in_context(trace.NonRecordingSpan(caller), base)
        name = span_name(scope.method, None)
        return self.provider.start(_INSTRUMENTATION, name, base, SpanKind.SERVER, attributes, root=root)

    def _root(self, trace_id: int, decision: Decision, *, random: bool) -> Root:
        return Root(trace_id, recorded=self._records(decision), random=random, trace_state=self._verdict_of(decision))

    def _records(self, decision: Decision) -> bool:
        return self._traces and (decision.sampled or self.settings.honeycomb_keep_everything)

    def _other_root(self, sampler: Sampler) -> Root:
        """Decide for a span that no request caused."""
        decision = sampler.decide(Question(self.settings.xray_service_name))
        return self._root(ids.new_trace_id(), decision, random=True)

    def close(self, scope: RequestScope) -> None:
        """End the server span of `scope`, whose context is the current one."""
        scope.note_route()
        span = scope.span
        # By type: of any class but its own, an abstract one takes long to say no.
        if type(span) is not LightSpan or not span.is_recording():
            return
        if scope.xray_entities:
            close_left_open(scope)
        route = scope.route
        if route is not None:
            span.update_name(span_name(scope.method, route))
        span.set_attributes(response_attributes(route, scope.status, scope.bytes_sent, scope.error))
        if scope.user_id is not None:
            span.set_attribute("user.id", scope.user_id)
        if scope.rollbar_uuid is not None:
            span.set_attributes({"rollbar.uuid": scope.rollbar_uuid, "rollbar.url": ROLLBAR_ITEM + scope.rollbar_uuid})
        if scope.error is not None:
            span.note(scope.error, told=scope.told())
        elif scope.status >= _SERVER_ERROR:
            span.set_status(StatusCode.ERROR)
        span.end()

    def _on_exception(self, sender: Flask, exception: BaseException, **_: object) -> None:  # noqa: ARG002 - the signal's signature
        self.report(exception)

    def report(self, exception: BaseException) -> None:
        """Note an exception that nothing handled, and give it to the sinks that take errors."""
        scope = current_scope()
        if scope is not None:
            scope.error = exception
            scope.note_route()
        for sink in self.sinks:
            if sink.report_exception is not None:
                sink.report_exception(exception)

    def route_error_item(self, payload: dict[str, Any]) -> None:
        """Give an item that an error SDK has built to the sink that it is for."""
        for sink in self.sinks:
            if sink.route_item is not None:
                sink.route_item(payload)

    def flush(self, seconds: float) -> bool:
        """Send all that is queued now; return whether every sink managed within `seconds`."""
        deadline = time.monotonic() + seconds
        queues = [sink.queue for sink in self.sinks if sink.queue is not None]
        return not [queue for queue in queues if not queue.flush(max(0.0, deadline - time.monotonic()))]

    def shutdown(self) -> bool:
        """Send the rest, all sinks side by side, within the deadline of the settings."""
        process_globals.close_for(self)
        if isinstance(self.sampler, RemoteSampler):
            self.sampler.close()
        for sink in self.sinks:
            sink.begin_close(self.settings.shutdown_deadline)
        return not [sink for sink in self.sinks if not sink.finish_close()]


def current_telemetry() -> Telemetry | None:
    """Return the telemetry of the running request; outside one, that of the app created last."""
    return process_globals.current()


def _sampler(settings: Settings) -> Sampler:
    """Follow X-Ray's rules where its daemon is; else the local rule, and without one keep everything."""
    local = LocalSampler(settings.sampling_rule or KEEP_EVERYTHING)
    address = settings.xray_daemon_address
    return local if address is None else RemoteSampler(address.tcp, local)


def _resource(settings: Settings) -> Resource:
    # Resource.create() would run detectors, some of which wait for the network at start-up.
    return Resource(
        {
            "service.name": settings.service_name,
            "service.version": settings.version,
            "deployment.environment.name": settings.environment,
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": version("opentelemetry-sdk"),
        }
    )
