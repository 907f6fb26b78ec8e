"""Accept the browser's spans at `POST /v1/traces` and forward them with the key, which the browser never sees."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    RequestEntityTooLarge,
    TooManyRequests,
    UnsupportedMediaType,
)

from service.contract import RELAY_PATH
from service.routes.browser_spans import MAX_SPANS, MalformedSpansError, TooManySpansError, validated
from service.routes.cors import allowed_origins
from service.settings import Settings
from service.telemetry import EXTENSION, Telemetry
from service.telemetry.context.semconv import client_address
from service.telemetry.sinks.otlp import browser

MAX_BODY: Final = 256 * 1024
PER_CLIENT: Final = RateLimitItemPerMinute(120, namespace="client")
ALL_CLIENTS: Final = RateLimitItemPerMinute(1_200, namespace="all")
"""Requests a worker accepts: a page sends one in five seconds, and one as it is closed."""


def register(app: Flask, settings: Settings) -> None:
    """Add the relay to `app`, with counters of its own."""
    blueprint = Blueprint("relay", __name__)
    limiter = FixedWindowRateLimiter(MemoryStorage())
    origins = allowed_origins(settings)

    @blueprint.post(RELAY_PATH)
    def relay() -> tuple[dict[str, Any], int]:
        """Validate and queue one export request; 202, as it is sent later."""
        _check_origin(request, origins)
        client = client_address(request.environ)
        if not (limiter.hit(PER_CLIENT, client) and limiter.hit(ALL_CLIENTS)):
            raise TooManyRequests(
                "too many requests: send spans in batches, and these again in a minute", retry_after=60
            )
        spans = _spans(request)
        telemetry: Telemetry = current_app.extensions[EXTENSION]
        queue = telemetry.queue_of(browser.NAME)
        if queue is not None:
            queue.put(spans)
        return {}, 202

    app.register_blueprint(blueprint)


def _check_origin(export_request: Request, origins: frozenset[str]) -> None:
    """Reject pages of other sites, and clients other than browsers: a browser sends the `Origin` of each POST.

    `Sec-Fetch-Site` is the browser's own comparison of origins, right even where a proxy rewrites `Host` ("Fetch
    Metadata Request Headers", W3C); browsers send it only over TLS and to localhost.
    """
    origin = export_request.headers.get("Origin", "")
    is_same_site = (
        export_request.headers.get("Sec-Fetch-Site") == "same-origin" or urlsplit(origin).netloc == export_request.host
    )
    if not origin or (origin not in origins and not is_same_site):
        raise Forbidden(f"the origin {origin!r} may not send spans here: name it in FRONTEND_URL")


def _spans(export_request: Request) -> bytes:
    mimetype = export_request.mimetype
    if mimetype not in {"application/json", "application/x-protobuf"}:
        raise UnsupportedMediaType(
            f"the type {mimetype!r} is not supported: send application/json or application/x-protobuf"
        )
    if export_request.content_encoding:
        raise UnsupportedMediaType(
            f"the encoding {export_request.content_encoding!r} is not supported: send the spans uncompressed"
        )
    body = export_request.stream.read(MAX_BODY + 1) if (export_request.content_length or 0) <= MAX_BODY else None
    if body is None or len(body) > MAX_BODY:
        raise RequestEntityTooLarge(f"the request is longer than {MAX_BODY} bytes: send the spans in several")
    try:
        return validated(body, as_json=mimetype == "application/json")
    except TooManySpansError as error:
        raise RequestEntityTooLarge(f"{error}: send at most {MAX_SPANS} in one request") from error
    except MalformedSpansError as error:
        raise BadRequest(f"not an OTLP export request: {error}") from error
