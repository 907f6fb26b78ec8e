"""Accept the browser's spans at `POST /v1/traces` and forward them with the key, which the browser never sees.

Clients are strangers, so the order is: limit, look at the headers, count what the body holds, and only then parse it.
No response is a 5xx: those fire the alarm that rolls a deployment back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import Any, Final
from uuid import uuid4

from flask import Blueprint, Flask, Request, Response, current_app, request

from flask_onetrace.contract import RELAY_PATH, Variable
from flask_onetrace.cors import allowed_origins
from flask_onetrace.relay import counts as relay_counts
from flask_onetrace.relay import otlp_json, otlp_protobuf, otlp_responses
from flask_onetrace.relay.browser_spans import MAX_SPANS, Rebuilder, Rebuilt
from flask_onetrace.relay.counts import RelayCounts
from flask_onetrace.relay.limits import RelayLimiter, client_key, units_of
from flask_onetrace.relay.otlp_request import MalformedSpansError, Reader, TooManySpansError
from flask_onetrace.relay.otlp_responses import RefusedError
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, Telemetry
from flask_onetrace.telemetry.context.semconv import client_address
from flask_onetrace.telemetry.sinks.otlp import browser

logger = logging.getLogger(__name__)

MAX_BODY: Final = 128 * 1024
"""Bytes. The page sends 60 KiB, as browsers keep no more than 64 KiB alive ("Fetch", WHATWG); a full batch of another
SDK, 512 spans, fits with 256 bytes a span."""
MAX_ELEMENTS: Final = 10_000
"""Of JSON. The page's spans have one in 20 bytes, and empty ones, one in two, would cost ten times as much."""
MAX_READERS: Final = 2
"""Bodies that are read at the same time: the other threads are the service's own."""

_READERS: Final[dict[str, Reader]] = {"application/json": otlp_json, otlp_responses.PROTOBUF: otlp_protobuf}
_METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE")


def register(app: Flask, settings: Settings) -> None:
    """Add the relay to `app`, which has telemetry, with limits and counts of its own."""
    relay = _Relay(settings)
    # The requests that carry the browser's spans would make spans and lines without end.
    telemetry: Telemetry = app.extensions[EXTENSION]
    telemetry.middleware.leave_untraced(RELAY_PATH)
    app.extensions[relay_counts.EXTENSION] = relay.counts
    blueprint = Blueprint("relay", __name__)
    blueprint.add_url_rule(RELAY_PATH, "relay", relay.respond, methods=_METHODS)
    app.register_blueprint(blueprint)


class _Relay:
    """The relay of one app."""

    def __init__(self, settings: Settings) -> None:
        self._off_because = _off_because(settings)
        self._name = settings.frontend_service_name
        self.counts = RelayCounts()
        self._limiter = RelayLimiter(settings.workers, 1 + MAX_SPANS)
        self._origins = allowed_origins(settings)
        self._slots = BoundedSemaphore(MAX_READERS)

    def respond(self) -> Response:
        """Validate and queue one export request, and say what is forwarded: it is sent later."""
        content_type = _mimetype(request.environ)
        try:
            rebuilt = self._receive(request, content_type)
        except RefusedError as error:
            self.counts.refuse(error.reason)
            return otlp_responses.refusal(error, content_type)
        except Exception as error:  # noqa: BLE001 - whatever a client has found, it must not become an alarm
            return self._unexpected(error, content_type)
        self.counts.accept(rebuilt.spans, rebuilt.dropped)
        self.counts.report()
        return otlp_responses.success(content_type, rebuilt.rejected, rebuilt.reason)

    def _receive(self, export_request: Request, content_type: str) -> Rebuilt:
        if self._off_because is not None:
            raise RefusedError(404, "off", f"the browser relay is off: {self._off_because}")
        client = client_key(client_address(export_request.environ))
        if not self._limiter.take_request(client):
            raise _over_limit("client")
        reader = self._check_headers(export_request, content_type)
        # A body of unknown length, in chunks, is charged as the longest one, before it is read.
        length = export_request.content_length
        paid = self._charge(client, units_of(MAX_BODY if length is None else length, 0))
        if not self._slots.acquire(blocking=False):
            raise RefusedError(429, "busy", "other spans are being read: send these again in a second", retry_after=1)
        try:
            body = _read(export_request)
            rebuilt = self._rebuild(client, reader, body, paid)
        finally:
            self._slots.release()
        telemetry: Telemetry = current_app.extensions[EXTENSION]
        queue = telemetry.queue_of(browser.NAME)
        if queue is not None and rebuilt.spans:
            queue.put(rebuilt.body)
        return rebuilt

    def _check_headers(self, export_request: Request, content_type: str) -> Reader:
        environ = export_request.environ
        if export_request.method != "POST":
            raise RefusedError(405, "method", "send spans by POST", headers={"Allow": "POST, OPTIONS"})
        if not self._is_own_page(environ):
            message = f"the origin {environ.get('HTTP_ORIGIN', '')[:100]!r} may not send spans here"
            raise RefusedError(403, "origin", f"{message}: name it in FRONTEND_URL")
        if content_type not in _READERS:
            message = f"the type {content_type[:100]!r} is not supported"
            raise RefusedError(415, "type", f"{message}: send application/json or application/x-protobuf")
        if encoding := environ.get("HTTP_CONTENT_ENCODING"):
            message = f"the encoding {encoding[:100]!r} is not supported"
            raise RefusedError(415, "encoding", f"{message}: send the spans uncompressed")
        if (export_request.content_length or 0) > MAX_BODY:
            raise _too_long()
        return _READERS[content_type]

    def _is_own_page(self, environ: Mapping[str, Any]) -> bool:
        """Return whether a page of the service's own sends this, or one of the configured front ends.

        A browser sends the `Origin` of each POST. `Sec-Fetch-Site` is its own comparison of origins, right even where a
        proxy rewrites `Host` ("Fetch Metadata Request Headers", W3C); browsers send it only over TLS and to localhost.
        """
        origin = environ.get("HTTP_ORIGIN")
        if not origin:
            return False
        if origin in self._origins or environ.get("HTTP_SEC_FETCH_SITE") == "same-origin":
            return True
        host = environ.get("HTTP_HOST", "")
        return bool(host) and origin in {f"https://{host}", f"http://{host}"}

    def _charge(self, client: bytes, units: int, paid: int = 0) -> int:
        """Take what `units` are more than those that are `paid`, and return what is paid now."""
        if units > paid and (limit := self._limiter.take(client, units - paid)):
            raise _over_limit(limit)
        return max(units, paid)

    def _rebuild(self, client: bytes, reader: Reader, body: bytes, paid: int) -> Rebuilt:
        elements = otlp_json.elements_of(body) if reader is otlp_json else 0
        paid = self._charge(client, min(MAX_SPANS, units_of(len(body), elements)), paid)
        if elements > MAX_ELEMENTS:
            raise RefusedError(413, "elements", f"more than {MAX_ELEMENTS} values: send the spans in several requests")
        telemetry: Telemetry = current_app.extensions[EXTENSION]
        try:
            rebuilt = Rebuilder(reader, telemetry.redact, self._name, _user(telemetry)).rebuild(body)
        except TooManySpansError as error:
            raise RefusedError(413, "spans", f"{error}: send the spans in several requests") from error
        except MalformedSpansError as error:
            raise RefusedError(400, "malformed", f"not an OTLP export request: {error}") from error
        self._charge(client, rebuilt.spans, paid)
        return rebuilt

    def _unexpected(self, error: Exception, content_type: str) -> Response:
        """Log an error of our own with an id that the client is told, once a minute, and refuse its request."""
        error_id = uuid4().hex
        if self.counts.is_failure_due():
            logger.error("the browser relay failed [%s]", error_id, exc_info=error)
        refused = RefusedError(400, "unexpected", f"the spans could not be read (error {error_id})")
        self.counts.refuse(refused.reason)
        return otlp_responses.refusal(refused, content_type)


def _off_because(settings: Settings) -> str | None:
    if not settings.browser_relay:
        return f"{Variable.BROWSER_RELAY}=true turns it on"
    if missing := browser.missing_package():
        logger.warning("%s is true, but the browser relay is off: %s", Variable.BROWSER_RELAY, missing)
    return missing


def _read(export_request: Request) -> bytes:
    try:
        body = export_request.stream.read(MAX_BODY + 1)
    except Exception as error:  # each server has errors of its own for a broken body
        raise RefusedError(400, "body", "the body is not complete") from error
    if len(body) > MAX_BODY:
        raise _too_long()
    return body


def _mimetype(environ: Mapping[str, Any]) -> str:
    content_type: str = environ.get("CONTENT_TYPE", "")
    return content_type.partition(";")[0].strip().lower()


def _user(telemetry: Telemetry) -> str | None:
    """Return the user whom the service itself knows, as it does for its own spans: the page's claim is dropped."""
    user_of = telemetry.config.user_of
    return user_of(request.environ) if user_of is not None else None


def _over_limit(limit: str) -> RefusedError:
    message = "too many spans: send these again in a minute"
    return RefusedError(429, limit, message, retry_after=60)


def _too_long() -> RefusedError:
    message = f"the request is longer than {MAX_BODY} bytes: send the spans in several"
    return RefusedError(413, "body", message)
