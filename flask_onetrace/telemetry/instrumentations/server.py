"""Have the application's own instrumentation of Flask or WSGI share the request's server span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.spans.tracer import AppTracer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.util.types import AttributeValue

_WSGI: Final = "opentelemetry.instrumentation.wsgi"
_SERVERS: Final = frozenset({"opentelemetry.instrumentation.flask", _WSGI})


def is_server(instrumentation: str) -> bool:
    """Return whether the module `instrumentation` records the requests that a Flask app serves."""
    return instrumentation in _SERVERS


class ServerTracer(AppTracer):
    """The tracer of an instrumentation of Flask or WSGI: it starts no second server span for a request."""

    def start_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> trace.Span:  # noqa: ANN401 - those of `AppTracer`
        """Return the request's shared server span; no span for WSGI middleware around the app; else start a span."""
        scope, current = current_scope(context), trace.get_current_span(context)
        if scope is None and self.instrumentation.name == _WSGI:
            return trace.INVALID_SPAN
        if scope is not None and scope.is_request and current is scope.span and type(current) is LightSpan:
            return SharedServerSpan(current)
        return super().start_span(name, context, *args, **kwargs)


class SharedServerSpan(trace.NonRecordingSpan):
    """The request's server span as an instrumentation sees it: attributes and events are passed on to the server span.

    Its end, name, status and recorded exceptions are ignored: the request sets those of the server span.
    """

    kind = trace.SpanKind.INTERNAL
    """Not SERVER, for which the instrumentation would set attributes that the server span has already."""

    def __init__(self, server: LightSpan) -> None:
        super().__init__(server.get_span_context())
        self.own_span = server

    def is_recording(self) -> bool:
        """Return whether the server span has not ended."""
        return self.own_span.is_recording()

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set an attribute of the server span."""
        self.own_span.set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set attributes of the server span."""
        self.own_span.set_attributes(attributes)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:  # noqa: ANN401 - as the API has it
        """Add an event to the server span."""
        self.own_span.add_event(name, attributes, timestamp)
