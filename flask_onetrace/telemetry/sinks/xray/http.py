"""Convert HTTP attributes ("Semantic conventions for HTTP spans", OpenTelemetry) to X-Ray's `http` block and flags."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from opentelemetry.trace import SpanKind

from flask_onetrace.telemetry.sinks.xray.limits import Document, short

FLAGS = frozenset({"fault", "error", "throttle"})
_SERVER_ERROR, _CLIENT_ERROR, _THROTTLED = 500, 400, 429
_DEFAULT_PORTS = {"http": 80, "https": 443}
_REQUEST_FIELDS = (
    ("http.request.method", "method"),
    ("http.request.method_original", "method"),
    ("user_agent.original", "user_agent"),
    ("client.address", "client_ip"),
)
NOT_METADATA = frozenset(otel for otel, _ in _REQUEST_FIELDS) | {
    "http.response.status_code",
    "http.response.body.size",
    "http.route",
    "url.scheme",
    "url.path",
    "url.query",
    "url.full",
    "server.address",
    "server.port",
    "client.port",
    "network.protocol.name",
    "network.protocol.version",
    "error.type",
    "user.id",
}
"""Attributes with a field of their own in the document, and those that are left out; all others become metadata."""
OLD_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "http.method": "http.request.method",
        "http.status_code": "http.response.status_code",
        "http.response_content_length": "http.response.body.size",
        "http.url": "url.full",
        "http.scheme": "url.scheme",
        "http.target": "url.path",
        "http.host": "server.address",
        "http.flavor": "network.protocol.version",
        "http.user_agent": "user_agent.original",
    }
)
"""The names of HTTP attributes before the stable conventions ("HTTP semantic convention stability migration")."""


def http_block(attributes: Mapping[str, Any], kind: SpanKind) -> Document:
    """Return the `http` block and the flags of a server or client span; nothing for any other kind."""
    if kind is not SpanKind.SERVER and kind is not SpanKind.CLIENT:
        return {}
    if kind is SpanKind.CLIENT and "http.method" in attributes:
        attributes = {**{new: attributes[old] for old, new in OLD_NAMES.items() if old in attributes}, **attributes}
    request: Document = {}
    for otel, xray in _REQUEST_FIELDS:
        if otel in attributes:
            request[xray] = short(attributes[otel])
    if url := _url(attributes):
        request["url"] = short(url)
    status = attributes.get("http.response.status_code")
    if not isinstance(status, int):
        return {"http": {"request": request}} if request else {}
    response: Document = {"status": status}
    if isinstance(size := attributes.get("http.response.body.size"), int):
        response["content_length"] = size
    return {"http": {"request": request, "response": response}, **flags(status)}


def flags(status: int) -> dict[str, bool]:
    """Return X-Ray's flags for a response of `status`."""
    if status >= _SERVER_ERROR:
        return {"fault": True}
    if status == _THROTTLED:
        return {"throttle": True, "error": True}
    return {"error": True} if status >= _CLIENT_ERROR else {}


def host_of(attributes: Mapping[str, Any]) -> str:
    """Return the host that a request was sent to, with its port where that is not the scheme's own."""
    host, port = attributes.get("server.address", ""), attributes.get("server.port")
    if port is not None and not isinstance(port, int):
        port = str(port)  # application code may set any type; the cache needs a hashable one
    return _host_of(str(host), port, str(attributes.get("url.scheme", "http")))


@lru_cache(maxsize=256)
def _host_of(host: str, port: int | str | None, scheme: str) -> str:
    return host if port is None or port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"


def _url(attributes: Mapping[str, Any]) -> str | None:
    """Return the URL without its query, as the X-Ray SDK does: a query may contain personal data."""
    if "url.full" in attributes:
        return str(attributes["url.full"]).partition("?")[0]
    if "url.path" not in attributes:
        return None
    return f"{attributes.get('url.scheme', 'http')}://{host_of(attributes)}{attributes['url.path']}"
