"""Take the browser's spans at `POST /v1/traces` and pass them on with the key, which the browser never sees."""

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
from service.routes.browser_spans import MAX_SPANS, MalformedSpansError, TooManySpansError, checked
from service.routes.cors import allowed
from service.settings import Settings
from service.telemetry import EXTENSION, Telemetry
from service.telemetry.context.semconv import client_address
from service.telemetry.sinks.otlp import browser

MAX_BODY: Final = 256 * 1024
PER_CLIENT: Final = RateLimitItemPerMinute(120, namespace="client")
IN_ALL: Final = RateLimitItemPerMinute(1_200, namespace="all")
"""Requests that one worker takes: a page sends one in five seconds, and one as it goes."""


def register(app: Flask, settings: Settings) -> None:
    """Add the relay to `app`, with counters of its own."""
    blueprint = Blueprint("relay", __name__)
    limiter = FixedWindowRateLimiter(MemoryStorage())
    origins = allowed(settings)

    @blueprint.post(RELAY_PATH)
    def relay() -> tuple[dict[str, Any], int]:
        """Check and queue one export request; 202, for it is sent later."""
        _check_origin(request, origins)
        client = client_address(request.environ)
        if not (limiter.hit(PER_CLIENT, client) and limiter.hit(IN_ALL)):
            raise TooManyRequests(
                "too many requests: send spans in batches, and these again in a minute", retry_after=60
            )
        spans = _spans(request)
        telemetry: Telemetry = current_app.extensions[EXTENSION]
        sink = next(each for each in telemetry.sinks if each.name == browser.NAME)
        if sink.queue is not None:
            sink.queue.put(spans)
        return {}, 202

    app.register_blueprint(blueprint)


def _check_origin(asked: Request, origins: frozenset[str]) -> None:
    """Refuse other sites' pages, and what is no page at all: a browser says where each POST comes from.

    `Sec-Fetch-Site` compares origins where the browser stands, whatever a proxy makes of the host ("Fetch Metadata
    Request Headers", W3C); browsers send it over TLS and to their own machine alone.
    """
    origin = asked.headers.get("Origin", "")
    same = asked.headers.get("Sec-Fetch-Site") == "same-origin" or urlsplit(origin).netloc == asked.host
    if not origin or (origin not in origins and not same):
        raise Forbidden(f"the origin {origin!r} may not send spans here: name it in FRONTEND_URL")


def _spans(asked: Request) -> bytes:
    kind = asked.mimetype
    if kind not in {"application/json", "application/x-protobuf"}:
        raise UnsupportedMediaType(f"the type {kind!r} is not taken: send application/json or application/x-protobuf")
    if asked.content_encoding:
        raise UnsupportedMediaType(f"the encoding {asked.content_encoding!r} is not taken: send the spans as they are")
    body = asked.stream.read(MAX_BODY + 1) if (asked.content_length or 0) <= MAX_BODY else None
    if body is None or len(body) > MAX_BODY:
        raise RequestEntityTooLarge(f"the request is longer than {MAX_BODY} bytes: send the spans in several")
    try:
        return checked(body, as_json=kind == "application/json")
    except TooManySpansError as error:
        raise RequestEntityTooLarge(f"{error}: send at most {MAX_SPANS} in one request") from error
    except MalformedSpansError as error:
        raise BadRequest(f"this is no OTLP export request: {error}") from error
