"""Answer CORS for a separate front end, as the tutorial's: its origin, and the trace headers in both directions.

By exact comparison, and so without flask-cors: it takes an origin with certain characters for a pattern, of which
`https://app.example.com.evil.net` may be a match, compares without regard to case, and names all origins to callers
that send none.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from flask_onetrace.contract import RELAY_PATH, TRACE_ID_HEADER
from flask_onetrace.cors import allowed_origins
from flask_onetrace.settings import Settings

_API_PATH: Final = "/api/"
"""Begins the paths that pages call by `fetch`."""
_REQUEST_HEADERS = (
    "content-type",
    "if-modified-since",
    "authorization",
    "traceparent",
    "tracestate",
    "baggage",
)
_RESPONSE_HEADERS = ("location", "link", TRACE_ID_HEADER, "traceresponse", "Server-Timing")
_EXPOSED = {"Access-Control-Expose-Headers": ", ".join(_RESPONSE_HEADERS)}


def register(app: Flask, settings: Settings) -> None:
    """Allow the origins of `FRONTEND_URL` and `BACKEND_URL`; without them no CORS header is sent."""
    origins = allowed_origins(settings)
    if not origins:
        return

    preflight = {
        "Access-Control-Allow-Methods": "OPTIONS, GET, HEAD, POST",
        "Access-Control-Allow-Headers": ", ".join((*_REQUEST_HEADERS, settings.user_header)),
    }

    @app.after_request
    def add_headers(response: Response) -> Response:
        """Add the headers of "CORS protocol" (Fetch, WHATWG) for an allowed origin."""
        if not request.path.startswith(_API_PATH) and request.path != RELAY_PATH:
            return response
        # Also where the origin is another or none: a cache must not serve that response to an allowed one.
        headers = response.headers
        headers.add("Vary", "Origin")
        origin = request.environ.get("HTTP_ORIGIN")
        if origin in origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers.update(preflight if _is_preflight() else _EXPOSED)
        return response


def _is_preflight() -> bool:
    return request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.environ
