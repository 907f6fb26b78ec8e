"""Name the server span and its attributes ("Semantic conventions for HTTP spans", OpenTelemetry, stable)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask_onetrace.telemetry.redaction import SHORT, Redactor
from flask_onetrace.telemetry.redaction.limits import (
    MAX_ADDRESS,
    MAX_HOST,
    MAX_METHOD,
    MAX_NAME,
    MAX_PATH,
    MAX_USER_AGENT,
)

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_ADDRESS = re.compile(r"[0-9A-Za-z.:%_\[\]-]*", re.ASCII)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:]*)(?::(\d{1,5}))?")
_MAX_HOST_AND_PORT = MAX_HOST + len(":65535")
_MAX_LAST_ADDRESS = 2 * MAX_ADDRESS
"""Characters of `X-Forwarded-For` that are read, from its end."""
_PORTS = {"http": 80, "https": 443}
_SERVER_ERROR = 500


def request_attributes(
    environ: Mapping[str, Any], method: str, path: str, client: str, redact: Redactor
) -> dict[str, Any]:
    """Return the attributes that are known before the request is handled, without secrets, and cut to their limits.

    `method`, `path` and `client` are within their limits already.
    """
    scheme = environ.get("wsgi.url_scheme", "http")
    host, protocol = environ.get("HTTP_HOST", ""), environ.get("SERVER_PROTOCOL", "")
    attributes = _shared_attributes(method, scheme, host[:_MAX_HOST_AND_PORT], protocol[:MAX_METHOD]).copy()
    if "server.address" not in attributes:
        attributes["server.address"] = environ.get("SERVER_NAME", "")[:MAX_HOST]
        if (port := _port(environ.get("SERVER_PORT"))) is not None:
            attributes["server.port"] = port
    attributes["client.address"] = client
    # Otherwise the port is the load balancer's.
    if client == environ.get("REMOTE_ADDR") and (port := _port(environ.get("REMOTE_PORT"))) is not None:
        attributes["client.port"] = port
    attributes["url.path"] = path or "/"
    if query := environ.get("QUERY_STRING"):
        attributes["url.query"] = redact.query(query)
    if agent := environ.get("HTTP_USER_AGENT"):
        attributes["user_agent.original"] = (
            redact.short_text(agent) if len(agent) <= SHORT else redact.text(agent, MAX_USER_AGENT)
        )
    return attributes


@lru_cache(maxsize=256)
def _shared_attributes(method: str, scheme: str, host: str, protocol: str) -> dict[str, Any]:
    """Return what many requests have in common; without a server where the `Host` header names none.

    Behind a load balancer this process listens elsewhere, so the header says what the client asked for.
    """
    attributes: dict[str, Any] = {
        "http.request.method": method if method in KNOWN_METHODS else "_OTHER",
        "url.scheme": scheme,
        "network.protocol.version": protocol.removeprefix("HTTP/"),
    }
    if method not in KNOWN_METHODS:
        attributes["http.request.method_original"] = method
    match = _HOST.fullmatch(host)
    if match is not None and match[1]:
        attributes["server.address"] = match[1][:MAX_HOST]
        # A `Host` without a port means the scheme's own (RFC 9110, 4.2).
        port = int(match[2]) if match[2] else _PORTS.get(scheme)
        if port is not None:
            attributes["server.port"] = port
    return attributes


def response_attributes(
    route: str | None, status: int, body_size: int, error: BaseException | None
) -> dict[str, str | int]:
    """Return the attributes that are known once the body is sent; `body_size` in bytes."""
    attributes: dict[str, str | int] = {"http.response.status_code": status, "http.response.body.size": body_size}
    if route is not None:
        attributes["http.route"] = route
    if error is not None:
        attributes["error.type"] = type(error).__qualname__[:MAX_NAME]
    elif status >= _SERVER_ERROR:
        attributes["error.type"] = str(status)
    return attributes


def span_name(method: str, route: str | None) -> str:
    """Return `GET /api/activities/home`; without a route only the method: paths have a high cardinality."""
    name = method if method in KNOWN_METHODS else "HTTP"
    return f"{name} {route}" if route is not None else name


def client_address(environ: Mapping[str, Any]) -> str:
    """Return the client's address: behind the load balancer, the last one in `X-Forwarded-For`.

    The load balancer appends the address it sees; the client can forge anything before it.
    """
    forwarded: str = environ.get("HTTP_X_FORWARDED_FOR", "")
    address: str = environ.get("REMOTE_ADDR", "")
    if not forwarded:
        return address[:MAX_ADDRESS]
    client = forwarded[-_MAX_LAST_ADDRESS:].rpartition(",")[2].strip()
    is_address = 0 < len(client) <= MAX_ADDRESS and _ADDRESS.fullmatch(client) is not None
    return client if is_address else address[:MAX_ADDRESS]


def decoded_path(path: str) -> str:
    """Return the path decoded as UTF-8: WSGI passes its bytes as Latin-1 (PEP 3333)."""
    # Cut first: a character has four bytes at most.
    return path if path.isascii() else path[: 4 * MAX_PATH].encode("latin-1", "replace").decode("utf-8", "replace")


def _port(text: str | int | None) -> int | None:
    return int(text) if text is not None and str(text).isdecimal() else None
