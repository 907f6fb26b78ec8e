"""Hold what one request's telemetry shares: its ids, decision, user and error, found from anywhere in the handler.

The scope travels in OpenTelemetry's context, so it goes wherever that context is carried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from opentelemetry import context as otel_context
from opentelemetry import trace

from service.telemetry.ids import trace_hex, xray_trace_id
from service.telemetry.semantics import request_path

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from service.telemetry.core import Telemetry

_SCOPE_KEY = otel_context.create_key("request-scope")


class RequestScope:
    """The telemetry of one request, from its headers to its last byte."""

    __slots__ = (
        "annotations",
        "context",
        "error",
        "finished",
        "forwarded",
        "in_xray",
        "method",
        "path",
        "random_id",
        "rate",
        "recorded",
        "rollbar_uuid",
        "route",
        "span",
        "streamed",
        "telemetry",
        "trace_hex",
        "trace_id",
        "tracestate",
        "user_id",
        "xray_entities",
        "xray_segment",
    )

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        trace_id: int,
        random_id: bool,
        recorded: bool,
        in_xray: bool,
        rate: int,
        tracestate: str | None,
        environ: dict[str, Any],
    ) -> None:
        self.telemetry = telemetry
        self.trace_id = trace_id
        self.trace_hex = trace_hex(trace_id)
        """The trace id as Honeycomb, the logs and Rollbar show it."""
        self.random_id = random_id
        self.recorded = recorded
        self.in_xray = in_xray
        self.rate = rate
        self.tracestate = tracestate
        self.method: str = environ["REQUEST_METHOD"]
        self.forwarded = "HTTP_X_FORWARDED_FOR" in environ
        self.path = request_path(environ)
        self.route: str | None = None
        self.streamed = True
        """Whether the body is made while it is sent, by code that belongs to the request."""
        self.user_id: str | None = None
        self.error: BaseException | None = None
        self.rollbar_uuid: str | None = None
        self.finished: list[ReadableSpan] = []
        """The inner spans that ended before the server span, kept for the segment document."""
        self.xray_entities: dict[int, Any] = {}
        """The X-Ray SDK's subsegments by span id: what they hold is merged into the document."""
        self.xray_segment: Any = None
        self.annotations: dict[int, dict[str, Any]] = {}
        """What is to be searchable in X-Ray, by span id."""
        self.span: trace.Span = trace.INVALID_SPAN
        self.context = otel_context.Context()

    def bind(self, span: trace.Span, base: otel_context.Context) -> None:
        """Make `span` the server span and build the context in which the handler runs."""
        self.span = span
        self.context = otel_context.set_value(_SCOPE_KEY, self, trace.set_span_in_context(span, base))

    @property
    def is_opening(self) -> bool:
        """Whether the server span is yet to be started."""
        return self.span is trace.INVALID_SPAN

    def opening(self, parent: otel_context.Context) -> otel_context.Context:
        """Return the context in which the server span is started: `parent` holds the caller's span, if any."""
        return otel_context.set_value(_SCOPE_KEY, self, parent)

    @property
    def xray_id(self) -> str:
        """The trace id as the X-Ray console shows it."""
        return xray_trace_id(self.trace_id)


def current_scope(context: otel_context.Context | None = None) -> RequestScope | None:
    """Return the scope of the request that `context` (by default the running code) belongs to."""
    return cast("RequestScope | None", otel_context.get_value(_SCOPE_KEY, context))
