"""Post a batch over HTTP from a sending thread, cheaply and within a time limit that a slow answer cannot stretch.

By Python's own `http.client`: what urllib3 adds to it took more of the interpreter's lock than the exchange itself.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import certifi

from service.telemetry.export.gil_pacing import wait_for_turn
from service.telemetry.export.http_proxy import proxy_to

_CONNECT = 2.0
_SILENCE = 5.0
_TOTAL = 8.0
"""Seconds: to connect, between two bytes, and for all of one exchange. They stay under the shutdown's deadline."""
_MAX_ANSWER = 64 * 1024
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_NAME = {"user-agent": "service.telemetry"}


class Answer(NamedTuple):
    """What came back. Of a long body, the beginning. `retry_after` in seconds, 0 where none was said, or a date."""

    status: int
    body: bytes
    retry_after: float

    @property
    def is_busy(self) -> bool:
        """Whether the same may be accepted later."""
        return self.status in _BUSY


class Poster:
    """Post to one URL over a kept connection, from one thread."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._headers = {**_NAME, **(headers or {})}
        self._limit = _Limit()
        self._route: _Route | None = None

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer. Raises `OSError`, of which `TimeoutError` is one, or `http.client.HTTPException`."""
        if self._route is None:
            self._route = _route_to(self.url, self._limit)
        connection = self._route.connection
        if _was_left(connection):
            connection.close()
        wait_for_turn()
        self._limit.until = time.monotonic() + _TOTAL
        try:
            sent = {**self._headers, **self._route.headers, **(headers or {})}
            connection.request("POST", self._route.target, body, sent)
            with connection.getresponse() as answer:
                said = answer.getheader("retry-after", "")
                made = Answer(answer.status, answer.read(_MAX_ANSWER), float(said) if said.isdecimal() else 0.0)
                if not answer.isclosed():  # what is left of it would be taken for the next answer
                    connection.close()
        except BaseException:
            connection.close()
            raise
        return made


class _Limit:
    """Until when the exchange under way may last, by the monotonic clock."""

    until = float("inf")


class _Reader(io.RawIOBase):
    """Read a socket, but not beyond the limit: a byte a second would keep every single read in time."""

    def __init__(self, connected: socket.socket, limit: _Limit) -> None:
        self._socket = connected
        self._raw = connected.makefile("rb", buffering=0)
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        left = self._limit.until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no whole answer within {_TOTAL:.0f} s")
        self._socket.settimeout(min(left, _SILENCE))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A connected socket whose answers are read within the limit."""

    def __init__(self, connected: socket.socket, limit: _Limit) -> None:
        self._connected = connected
        self._limit = limit

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._connected, self._limit))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the socket has
        return getattr(self._connected, name)


class _Limited(HTTPConnection):
    """A connection that keeps to the limit."""

    limit: _Limit

    def connect(self) -> None:
        super().connect()
        connected: socket.socket = self.sock
        connected.settimeout(_SILENCE)
        self.sock: Any = _Socket(connected, self.limit)


class _Encrypted(_Limited, HTTPSConnection):
    """The same, with TLS."""


@dataclass(frozen=True)
class _Route:
    """A connection, not yet opened, what is asked for over it, and the headers that the way there takes."""

    connection: _Limited
    target: str
    headers: Mapping[str, str] = field(repr=False)


def _route_to(url: str, limit: _Limit) -> _Route:
    """Return the way to `url`: by the proxy that the environment names, if any."""
    parts = urlsplit(url)
    proxy = proxy_to(parts)
    is_encrypted = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (HTTPS_PORT if is_encrypted else HTTP_PORT)
    near = (proxy.host, proxy.port) if proxy else (host, port)
    connection: _Limited
    if is_encrypted:
        connection = _Encrypted(*near, timeout=_CONNECT, context=_trusted())
    else:
        connection = _Limited(*near, timeout=_CONNECT)
    connection.limit = limit
    if proxy and not is_encrypted:
        return _Route(connection, url, proxy.headers)
    if proxy:
        connection.set_tunnel(host, port, dict(proxy.headers))
    path = parts._replace(scheme="", netloc="", path=parts.path or "/").geturl()
    return _Route(connection, path, {})


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Return whom to trust: what the operating system does, `SSL_CERT_FILE` names, and the usual authorities."""
    made = ssl.create_default_context()
    made.load_verify_locations(certifi.where())
    return made


def _was_left(connection: HTTPConnection) -> bool:
    """Return whether the other side has closed the kept connection: it would take the request, and say nothing."""
    if connection.sock is None:
        return False
    ready = select.poll()
    ready.register(connection.sock, select.POLLIN)
    return bool(ready.poll(0))
