"""Speak HTTP/1.1 over plain sockets: bytes that no HTTP library would send, and many requests at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import IO

LOOPBACK = "127.0.0.1"
TIMEOUT = 5.0
_PIPELINE = 16
_MAX_RECONNECTS = 20


@dataclass(frozen=True, slots=True)
class Response:
    """A response. Header names are in lower case; status 0 means that none arrived."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def trace_id(self) -> str | None:
        """The id in `X-Trace-Id`, None for a response without one."""
        return self.headers.get("x-trace-id")


NO_RESPONSE = Response(0, {}, b"")


def request(
    path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: bytes | None = None
) -> bytes:
    """Return the bytes of a request; `headers` may replace `Host`. Text is sent as Latin-1, as HTTP has it."""
    fields = {"Host": "service.test", **(headers or {})}
    if body is not None:
        fields.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b"")


def connect(port: int, *, timeout: float = TIMEOUT) -> socket.socket:
    """Return a connection to a port of this machine."""
    connection = socket.create_connection((LOOPBACK, port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send(port: int, data: bytes, *, timeout: float = TIMEOUT) -> Response:
    """Send `data` on a connection of its own; return the first response."""
    with suppress(OSError), connect(port, timeout=timeout) as connection, connection.makefile("rb") as stream:
        with suppress(OSError):  # a refusal may arrive before all of the data is sent
            connection.sendall(data)
        return _read(stream)
    return NO_RESPONSE


def get(port: int, path: str, headers: Mapping[str, str] | None = None, *, timeout: float = TIMEOUT) -> Response:
    """Return the response to a GET request."""
    return send(port, request(path, {"Connection": "close", **(headers or {})}), timeout=timeout)


def exchange(port: int, data: bytes, *, timeout: float = TIMEOUT) -> bytes:
    """Send `data` and half-close the connection; return everything that arrives until its end."""
    received = b""
    with suppress(OSError), connect(port, timeout=timeout) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while chunk := connection.recv(65_536):
            received += chunk
    return received


def send_many(port: int, requests: Sequence[bytes] | Iterator[bytes], *, connections: int = 4) -> dict[int, int]:
    """Send requests, several at once on each connection; return how many responses had which status."""
    source, lock = iter(requests), threading.Lock()
    statuses: dict[int, int] = {}

    def work() -> None:
        while True:
            with lock:
                batch = list(islice(source, _PIPELINE))
            if not batch:
                return
            for status in _pipelined(port, batch):
                with lock:
                    statuses[status] = statuses.get(status, 0) + 1

    threads = [threading.Thread(target=work, daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def _pipelined(port: int, batch: list[bytes]) -> list[int]:
    """Return the status of each request, 0 for one without a response; those behind a closed connection are resent."""
    statuses: list[int] = []
    for _ in range(_MAX_RECONNECTS):
        with suppress(OSError), connect(port) as connection, connection.makefile("rb") as stream:
            connection.sendall(b"".join(batch[len(statuses) :]))
            while len(statuses) < len(batch) and (response := _read(stream)).status:
                statuses.append(response.status)
        if len(statuses) == len(batch):
            return statuses
    return statuses + [0] * (len(batch) - len(statuses))


def _read(stream: IO[bytes]) -> Response:
    """Return the next response; `NO_RESPONSE` at the end of the connection. Raises `OSError`."""
    first = stream.readline().split(b" ", 2)
    if len(first) < 2 or not first[1].isdigit():
        return NO_RESPONSE
    headers: dict[str, str] = {}
    while line := stream.readline().rstrip(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = _body(stream, headers)
    return Response(int(first[1]), headers, body)


def _body(stream: IO[bytes], headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int(stream.readline().strip() or b"0", 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return body
    length = headers.get("content-length")
    return stream.read(int(length)) if length is not None else stream.read()
