"""Name the server span and its attributes ("Semantic conventions for HTTP spans", OpenTelemetry, stable)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:]*)(?::(\d{1,5}))?")
_PORTS = {"http": 80, "https": 443}
_SERVER_ERROR = 500


def request_attributes(environ: Mapping[str, Any]) -> dict[str, str | int]:
    """Return what is known of the request before it is handled."""
    scheme = str(environ.get("wsgi.url_scheme", "http"))
    attributes: dict[str, str | int] = {
        **_method(environ["REQUEST_METHOD"]),
        **_server(environ, scheme),
        **_client(environ),
        "url.scheme": scheme,
        "url.path": request_path(environ) or "/",
        "network.protocol.version": str(environ.get("SERVER_PROTOCOL", "")).removeprefix("HTTP/"),
    }
    if query := environ.get("QUERY_STRING"):
        attributes["url.query"] = query
    if agent := environ.get("HTTP_USER_AGENT"):
        attributes["user_agent.original"] = agent
    return attributes


def response_attributes(
    route: str | None, status: int, body_size: int, error: BaseException | None
) -> dict[str, str | int]:
    """Return what is known once the body is sent; `body_size` in bytes."""
    attributes: dict[str, str | int] = {"http.response.status_code": status, "http.response.body.size": body_size}
    if route is not None:
        attributes["http.route"] = route
    if error is not None:
        attributes["error.type"] = type(error).__qualname__
    elif status >= _SERVER_ERROR:
        attributes["error.type"] = str(status)
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


def request_path(environ: Mapping[str, Any]) -> str:
    """Return the path as people read it: WSGI hands its bytes over as if they were Latin-1 (PEP 3333)."""
    path = str(environ.get("PATH_INFO", ""))
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def _method(method: str) -> dict[str, str | int]:
    if method in _KNOWN_METHODS:
        return {"http.request.method": method}
    return {"http.request.method": "_OTHER", "http.request.method_original": method}


def _server(environ: Mapping[str, Any], scheme: str) -> dict[str, str | int]:
    """Return the server that the client asked for, which behind a load balancer is not where this process listens."""
    found = _HOST.fullmatch(str(environ.get("HTTP_HOST", "")))
    if found is None or not found[1]:
        return {"server.address": str(environ.get("SERVER_NAME", "")), **_port("server.port", environ, "SERVER_PORT")}
    # A `Host` without a port means the scheme's own (RFC 9110, 4.2).
    port = int(found[2]) if found[2] else _PORTS.get(scheme)
    return {"server.address": found[1]} | ({"server.port": port} if port is not None else {})


def _client(environ: Mapping[str, Any]) -> dict[str, str | int]:
    known: dict[str, str | int] = {"client.address": client_address(environ)}
    if known["client.address"] == environ.get("REMOTE_ADDR"):  # else the port is the load balancer's
        known |= _port("client.port", environ, "REMOTE_PORT")
    return known


def _port(name: str, environ: Mapping[str, Any], variable: str) -> dict[str, str | int]:
    port = str(environ.get(variable, ""))
    return {name: int(port)} if port.isdecimal() else {}
