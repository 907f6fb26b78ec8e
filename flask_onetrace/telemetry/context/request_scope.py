"""The telemetry state of one request."""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING, Any

import flask
from flask import has_request_context
from opentelemetry import context as otel_context

from flask_onetrace.telemetry.context.semconv import KNOWN_METHODS, client_address, decoded_path
from flask_onetrace.telemetry.context.trace_scope import AppTelemetry, TraceScope
from flask_onetrace.telemetry.redaction import SHORT
from flask_onetrace.telemetry.redaction.limits import MAX_ADDRESS, MAX_METHOD, MAX_PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PLAIN_SIZE = 2_000
"""Bytes that a scope with short texts keeps alive, and its span."""
_FLASK_REQUEST = "werkzeug.request"
"""Where Werkzeug's `Request` puts itself in the WSGI environment (`populate_request`, Werkzeug's documentation)."""


class RequestScope(TraceScope):
    """The telemetry of one request, from its headers to the last byte of its response."""

    is_request = True
    proxy_fix: object = None
    """What a `ProxyFix` around the app had kept of the request when it came."""
    status = 500
    bytes_sent = 0
    _route: str | None = None

    def __init__(
        self,
        telemetry: AppTelemetry,
        trace_hex: str,
        environ: WSGIEnvironment,
        base: otel_context.Context,
    ) -> None:
        self.telemetry = telemetry
        self.base = base
        self.trace_hex = trace_hex
        method = environ["REQUEST_METHOD"]
        self.method = method if method in KNOWN_METHODS else method[:MAX_METHOD]
        path, redact = environ.get("PATH_INFO", ""), telemetry.redact
        # Most requests take no further call.
        if len(path) <= SHORT and path.isascii():
            self.path = redact.short_text(path)
            self.size = PLAIN_SIZE
        else:
            self.path = redact.text(decoded_path(path), MAX_PATH)
            self.size = PLAIN_SIZE + getsizeof(self.path)
        self.is_forwarded = is_forwarded = "HTTP_X_FORWARDED_FOR" in environ
        self.client_address = client_address(environ) if is_forwarded else environ.get("REMOTE_ADDR", "")[:MAX_ADDRESS]
        self.environ: WSGIEnvironment | None = environ
        """None once the route is captured."""
        self.user_id = None
        self.error = None
        self.sampled = False
        self.is_decided = False
        self.aborted: str | None = None
        """Why the response was cut off: `client_disconnected`, `timeout` or `shutdown`."""
        self.hint = None
        self.extras = {}

    @property
    def host(self) -> str:
        """The `Host` header, while the request is known."""
        host: str = (self.environ or {}).get("HTTP_HOST", "")
        return host

    @property
    def route(self) -> str | None:
        """The URL rule that matched, None while or where none did."""
        environ = self.environ
        return self._route if environ is None else _matched_rule(environ)

    def capture_route(self) -> None:
        """Keep the route and drop the request: Flask is about to, and queued log lines hold the scope."""
        environ = self.environ
        if environ is not None:
            self._route = _matched_rule(environ)
            self.environ = None


def _matched_rule(environ: WSGIEnvironment) -> str | None:
    request: Any = environ.get(_FLASK_REQUEST)
    if request is None and has_request_context() and flask.request.environ is environ:
        # A copy of the request's context, as `copy_current_request_context` makes it, has ended in another thread.
        request = flask.request
    rule = getattr(request, "url_rule", None)
    return rule.rule if rule is not None else None
