"""Configure CORS for a separate front end, as the tutorial's: its origin, and the trace headers in both directions."""

from __future__ import annotations

from flask import Flask
from flask_cors import CORS

from service.contract import RELAY_PATH, TRACE_ID_HEADER, USER_HEADER
from service.settings import Settings

_REQUEST_HEADERS = (
    "content-type",
    "if-modified-since",
    "authorization",
    "traceparent",
    "tracestate",
    "baggage",
    USER_HEADER,
)
_RESPONSE_HEADERS = ("location", "link", TRACE_ID_HEADER, "traceresponse", "Server-Timing")


def register(app: Flask, settings: Settings) -> None:
    """Allow the origins of `FRONTEND_URL` and `BACKEND_URL`; without them no CORS header is sent."""
    origins = allowed_origins(settings)
    if origins:
        CORS(
            app,
            resources={r"/api/*": {}, RELAY_PATH: {}},
            origins=sorted(origins),
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
            methods=("OPTIONS", "GET", "HEAD", "POST"),
        )


def allowed_origins(settings: Settings) -> frozenset[str]:
    """Return the origins that may call besides the service's own."""
    return settings.frontend_origins | settings.backend_origins
