"""Post a batch over HTTP from a sending thread, cheaply and within a time limit that a slow answer cannot stretch."""

from __future__ import annotations

import io
import socket
import ssl
import time
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_CONNECT = 2.0
_SILENCE = 5.0
_TOTAL = 8.0
"""Seconds: to connect, between two bytes, and for all of one exchange. They stay under the shutdown's deadline."""
_MAX_ANSWER = 64 * 1024
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class Answer(NamedTuple):
    """What came back. Of a long body, the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_busy(self) -> bool:
        """Whether the same may be accepted later."""
        return self.status in _BUSY

    @property
    def retry_after(self) -> float:
        """The seconds of `Retry-After`, 0 where it has none, or a date."""
        said = self.headers.get("retry-after", "")
        return float(said) if said.isdecimal() else 0.0


class Poster:
    """Post to one URL over a kept connection, from one thread."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._headers = dict(headers or {})
        self._limit = _Limit()
        self._manager: urllib3.PoolManager | None = None

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer. Raises urllib3's errors, or `TimeoutError` when the exchange takes too long."""
        if self._manager is None:
            self._manager = _manager(self.url, self._limit)
        self._limit.until = time.monotonic() + _TOTAL
        answer = self._manager.request(
            "POST",
            self.url,
            body=body,
            headers={**self._headers, **(headers or {})},
            timeout=urllib3.Timeout(connect=_CONNECT, read=_SILENCE),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            return Answer(answer.status, answer.headers, answer.read(_MAX_ANSWER))
        finally:
            answer.drain_conn() if _is_at_end(answer) else answer.close()
            answer.release_conn()


def _is_at_end(answer: Any) -> bool:  # noqa: ANN401 - either of urllib3's responses
    return not answer.length_remaining


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


def _manager(url: str, limit: _Limit) -> urllib3.PoolManager:
    """Return urllib3's manager, by way of the proxy that the environment names for `url`, if any."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock: Any = _Socket(self.sock, limit)

    class Encrypted(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            self.sock: Any = _Socket(self.sock, limit)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    # What the operating system trusts, and what `SSL_CERT_FILE` names, beside the usual authorities.
    trusted = ssl.create_default_context()
    trusted.load_verify_locations(certifi.where())
    options: dict[str, Any] = {"num_pools": 1, "maxsize": 1, "ssl_context": trusted}
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        manager: urllib3.PoolManager = urllib3.ProxyManager(proxy, **options)
    else:
        manager = urllib3.PoolManager(**options)
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}
    return manager
