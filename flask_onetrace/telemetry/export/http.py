"""Exchange HTTP messages off the request threads, with little CPU and a time limit that a slow response cannot stretch.

With Python's own `http.client`: urllib3 on top of it held the interpreter lock for longer than the exchange itself.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import certifi

from flask_onetrace.telemetry.export.gil_pacing import wait_for_slot
from flask_onetrace.telemetry.export.http_proxy import proxy_to

_CONNECT_TIMEOUT = 2.0
_READ_TIMEOUT = 5.0
_TOTAL_TIMEOUT = 8.0
"""Seconds: to connect, between two bytes, and for a whole exchange. All are below the deadline of the shutdown."""
_MAX_BODY = 64 * 1024
_RETRYABLE = frozenset({429, 502, 503, 504})
"""The sink, or what is before it, cannot take the request now ("Retryable Response Codes", OTLP specification)."""
_FAILURES = frozenset({408, 500})
_USER_AGENT = {"user-agent": "flask_onetrace.telemetry"}


class Response(NamedTuple):
    """A response: its status, the first 64 KiB of its body, and `Retry-After` in seconds (0 for none, or a date)."""

    status: int
    body: bytes
    retry_after: float

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may be accepted later, and nothing is wrong with it."""
        return self.status in _RETRYABLE

    @property
    def is_failure(self) -> bool:
        """Whether the sink failed at the request: the same one may be accepted later, or be the cause."""
        return self.status in _FAILURES


class HttpClient:
    """Send requests to one URL over a kept-alive connection, from one thread. Redirects are not followed."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._headers = {**_USER_AGENT, **(headers or {})}
        self._deadline = _Deadline()
        self._route: _Route | None = None

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
        """Return the response. Raises `OSError`, of which `TimeoutError` is one, or `http.client.HTTPException`."""
        return self._exchange("POST", body, headers or {})

    def get(self) -> Response:
        """Return the response. Raises as `post` does."""
        return self._exchange("GET", None, {})

    def _exchange(self, method: str, body: bytes | None, headers: Mapping[str, str]) -> Response:
        if self._route is None:
            self._route = _route_to(self.url, self._deadline)
            weakref.finalize(self, self._route.connection.close)
        connection = self._route.connection
        if _is_closed_by_peer(connection):
            connection.close()
        wait_for_slot()
        self._deadline.time = time.monotonic() + _TOTAL_TIMEOUT
        try:
            all_headers = {**self._headers, **self._route.headers, **headers}
            connection.request(method, self._route.target, body, all_headers)
            with connection.getresponse() as reply:
                retry_after = reply.getheader("retry-after", "")
                seconds = float(retry_after) if retry_after.isdecimal() else 0.0
                response = Response(reply.status, reply.read(_MAX_BODY), seconds)
                if not reply.isclosed():  # the unread rest would be taken for the next response
                    connection.close()
        except BaseException:
            connection.close()
            raise
        return response


class _Deadline:
    """When the exchange in progress must be over, by the monotonic clock."""

    time = float("inf")


class _Reader(io.RawIOBase):
    """Read a socket until the deadline: at a byte a second, every single read would be in time."""

    def __init__(self, connected: socket.socket, deadline: _Deadline) -> None:
        self._socket = connected
        self._raw = connected.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        remaining = self._deadline.time - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"no complete response within {_TOTAL_TIMEOUT:.0f} s")
        self._socket.settimeout(min(remaining, _READ_TIMEOUT))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A connected socket whose responses are read before the deadline."""

    def __init__(self, connected: socket.socket, deadline: _Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._connected, self._deadline))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the socket
        return getattr(self._connected, name)


class _Connection(HTTPConnection):
    """A connection whose exchanges end by the deadline."""

    deadline: _Deadline

    def connect(self) -> None:
        super().connect()
        connected: socket.socket = self.sock
        connected.settimeout(_READ_TIMEOUT)
        self.sock: Any = _Socket(connected, self.deadline)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS."""


@dataclass(frozen=True)
class _Route:
    """A connection, not opened yet, the request target to use on it, and the headers that a proxy wants."""

    connection: _Connection
    target: str
    headers: Mapping[str, str] = field(repr=False)


def _route_to(url: str, deadline: _Deadline) -> _Route:
    """Return the route to `url`, through the proxy that the environment names, if any."""
    parts = urlsplit(url)
    proxy = proxy_to(parts)
    has_tls = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (HTTPS_PORT if has_tls else HTTP_PORT)
    peer = (proxy.host, proxy.port) if proxy else (host, port)
    connection: _Connection
    if has_tls:
        connection = _TlsConnection(*peer, timeout=_CONNECT_TIMEOUT, context=_tls_context())
    else:
        connection = _Connection(*peer, timeout=_CONNECT_TIMEOUT)
    connection.deadline = deadline
    if proxy and not has_tls:
        return _Route(connection, url, proxy.headers)
    if proxy:
        connection.set_tunnel(host, port, dict(proxy.headers))
    path = parts._replace(scheme="", netloc="", path=parts.path or "/").geturl()
    return _Route(connection, path, {})


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """Trust what the operating system trusts, what `SSL_CERT_FILE` names, and certifi's authorities."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _is_closed_by_peer(connection: HTTPConnection) -> bool:
    """Return whether the peer has closed the kept-alive connection: a request on it would get no response."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
