"""Hold what one request's telemetry shares: its ids, decision, user and error, found from anywhere in the handler.

The scope travels in OpenTelemetry's context, so it goes wherever that context is carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context

from service.telemetry.context.semconv import client_address, request_path
from service.telemetry.ids import span_hex, trace_hex, xray_trace_id
from service.telemetry.spans.exceptions import Told
from service.telemetry.spans.span import SPAN_KEY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from service.telemetry.spans.span import LightSpan
    from service.telemetry.spans.unsampled import UnrecordedSpan
    from service.telemetry.telemetry import Telemetry

SCOPE_KEY = otel_context.create_key("request-scope")
_FLAGS = ("00", "01", "02", "03")
"""The trace flags that spans here can have, in hex."""
_FLASK_REQUEST = "werkzeug.request"
"""Where Werkzeug's `Request` puts itself in the WSGI environment (`populate_request`, Werkzeug's documentation)."""


class RequestScope:
    """The telemetry of one request, from its headers to its last byte."""

    # What most requests never set is said once, for all of them.
    user_id: str | None = None
    error: BaseException | None = None
    _told: tuple[BaseException, Told] | None = None
    rollbar_uuid: str | None = None
    xray_segment: Any = None
    xray_unsampled: Any = None
    """What stands for the X-Ray SDK's subsegments where nothing is recorded."""
    xray_unsampled_depth = 0
    tracestate: str | None = None
    finished: Sequence[LightSpan] = ()
    """The inner spans that ended before the server span, kept for the segment document."""
    xray_entities: Mapping[int, Any] = MappingProxyType({})
    """The X-Ray SDK's subsegments by span id: what they hold is merged into the document.

    The `opened` of one that has ended is None.
    """
    annotations: Mapping[int, Mapping[str, Any]] = MappingProxyType({})
    """What is to be searchable in X-Ray, by span id."""
    sampled = False
    """Whether X-Ray gets it."""
    status = 500
    bytes_sent = 0
    duration_ms = 0.0
    """From the request's arrival to the last byte of the answer's body."""
    created = 0
    """When the access line was written, in milliseconds since the epoch."""
    _route: str | None = None
    span: LightSpan | UnrecordedSpan
    """The server span."""

    def __init__(
        self, telemetry: Telemetry, trace_id: int, environ: WSGIEnvironment, base: otel_context.Context
    ) -> None:
        self.telemetry = telemetry
        self._base = base
        self.trace_id = trace_id
        self.trace_hex = trace_hex(trace_id)
        """The trace id as Honeycomb, the logs and Rollbar show it."""
        self.method: str = environ["REQUEST_METHOD"]
        self.path = request_path(environ)
        self.client_address = client_address(environ)
        self.forwarded = "HTTP_X_FORWARDED_FOR" in environ
        self._environ: WSGIEnvironment | None = environ

    def context(self) -> otel_context.Context:
        """Return the context in which the handler runs: the caller's baggage, the scope and the server span.

        It is made anew, not kept: the two would hold each other until the garbage collector finds them.
        """
        return otel_context.Context({**self._base, SCOPE_KEY: self, SPAN_KEY: self.span})

    @property
    def route(self) -> str | None:
        """The URL rule that matched, None while or where none did."""
        environ = self._environ
        return self._route if environ is None else _matched(environ)

    def keep(self, span: LightSpan) -> None:
        """Keep an inner span that has ended for the segment document."""
        self._own("finished", []).append(span)

    def hold(self, span_id: int, subsegment: Any) -> None:  # noqa: ANN401 - the X-Ray SDK publishes no types
        """Keep what the X-Ray SDK made for the span."""
        self._own("xray_entities", {})[span_id] = subsegment

    def annotate(self, span_id: int, values: Mapping[str, Any]) -> None:
        """Make `values` of the span searchable in X-Ray."""
        self._own("annotations", {}).setdefault(span_id, {}).update(values)

    def _own(self, name: str, empty: Any) -> Any:  # noqa: ANN401 - a list or a dict, as `empty` is
        """Return what this scope holds by `name`, made in one step: a request's threads may come at once."""
        return vars(self).setdefault(name, empty)

    def told(self) -> Told | None:
        """Return the error without its frames, made once."""
        error = self.error
        if error is not None and (self._told is None or self._told[0] is not error):
            self._told = error, Told(error, error.__traceback__)
        return self._told[1] if self._told is not None else None

    def let_go(self) -> None:
        """Let go of what the sinks have been given: the error with its frames, and what the X-Ray SDK made.

        Queued log lines hold the scope, and the SDK's entities lead back to it: such a circle would keep the request's
        spans until the garbage collector comes. What another thread has not ended yet stays.
        """
        self.error = self._told = self.xray_segment = self.xray_unsampled = None
        self.finished = ()
        if self.xray_entities:
            held = self._own("xray_entities", {})
            for span_id in [span_id for span_id, entity in list(held.items()) if entity.opened is None]:
                del held[span_id]

    def note_route(self) -> None:
        """Keep the route, and forget the request: Flask is about to, and queued log lines hold the scope."""
        if self._environ is not None:
            self._route, self._environ = _matched(self._environ), None

    @property
    def traceresponse(self) -> str:
        """The header of W3C "Trace Context Level 2", `00-<trace id>-<span id>-<flags>`."""
        span = self.span
        return f"00-{self.trace_hex}-{span_hex(span.span_id)}-{_FLAGS[span.flags]}"

    @property
    def xray_id(self) -> str:
        """The trace id as the X-Ray console shows it."""
        return xray_trace_id(self.trace_id)


def _matched(environ: WSGIEnvironment) -> str | None:
    rule = getattr(environ.get(_FLASK_REQUEST), "url_rule", None)
    return rule.rule if rule is not None else None


def current_scope(context: otel_context.Context | None = None) -> RequestScope | None:
    """Return the scope of the request that `context` (by default the running code) belongs to."""
    here: Mapping[str, Any] = otel_context.get_current() if context is None else context
    scope: RequestScope | None = here.get(SCOPE_KEY)
    return scope
