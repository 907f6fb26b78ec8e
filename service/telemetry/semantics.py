"""Name the server span and its attributes ("Semantic conventions for HTTP spans", OpenTelemetry, stable)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:]*)(?::(\d{1,5}))?")
_SERVER_ERROR = 500


def request_attributes(environ: Mapping[str, Any]) -> dict[str, str | int]:
    """Return what is known of the request before it is handled."""
    method = environ["REQUEST_METHOD"]
    host, port = _host_and_port(environ)
    attributes: dict[str, str | int] = {
        "http.request.method": method if method in _KNOWN_METHODS else "_OTHER",
        "url.scheme": environ.get("wsgi.url_scheme", "http"),
        "url.path": environ.get("PATH_INFO", "") or "/",
        "server.address": host,
        "client.address": client_address(environ),
        "network.protocol.version": str(environ.get("SERVER_PROTOCOL", "")).removeprefix("HTTP/"),
    }
    if port is not None:
        attributes["server.port"] = port
    if query := environ.get("QUERY_STRING"):
        attributes["url.query"] = query
    if agent := environ.get("HTTP_USER_AGENT"):
        attributes["user_agent.original"] = agent
    return attributes


def response_attributes(route: str | None, status: int, error: BaseException | None) -> dict[str, str | int]:
    """Return what is known once the status is."""
    attributes: dict[str, str | int] = {"http.response.status_code": status}
    if route is not None:
        attributes["http.route"] = route
    if status >= _SERVER_ERROR:
        attributes["error.type"] = type(error).__qualname__ if error is not None else str(status)
    return attributes


def span_name(method: str, route: str | None) -> str:
    """Return `GET /api/activities/home`; without a route the method alone, never the path: names must stay few."""
    known = method if method in _KNOWN_METHODS else "HTTP"
    return f"{known} {route}" if route is not None else known


def client_address(environ: Mapping[str, Any]) -> str:
    """Return the client's address: behind the load balancer, the last one in `X-Forwarded-For`.

    The load balancer appends the address that it saw; what stands before it is whatever the client claims.
    """
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    return forwarded or str(environ.get("REMOTE_ADDR", ""))


def _host_and_port(environ: Mapping[str, Any]) -> tuple[str, int | None]:
    found = _HOST.fullmatch(str(environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")))
    if found is None:
        return str(environ.get("SERVER_NAME", "")), None
    return found[1], int(found[2]) if found[2] else None
