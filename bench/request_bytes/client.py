"""Send requests at a fixed rate, as a browser's that come through the load balancer, and count their bytes."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

_TIMEOUT = 15.0
_BROWSER = (
    "Host: api.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: application/json\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://api.example.com/\r\n"
    "Connection: keep-alive\r\n"
)
_LOAD_BALANCER = (
    "X-Forwarded-For: 203.0.113.195\r\n"
    "X-Forwarded-Proto: https\r\n"
    "X-Forwarded-Port: 443\r\n"
    "X-Amzn-Trace-Id: Root={}\r\n"
)
"""What it adds ("HTTP headers and Application Load Balancers")."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response: bytes with headers, without what the load balancer adds."""

    path: str
    status: int
    request: int
    response: int


def send(port: int, paths: Sequence[str], *, count: int, rate: float) -> tuple[list[Exchange], float]:
    """Send `count` requests to `paths` in turn, over one connection and `rate` a second.

    Returns the exchanges, and the seconds that they took: more than `count / rate` where responses are slower. Raises
    `OSError` where there is no response.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        exchanges = list(_exchanges(connection, islice(cycle(paths), count), start, 1 / rate))
        return exchanges, max(time.monotonic() - start, count / rate)


def _exchanges(connection: socket.socket, paths: Iterator[str], start: float, interval: float) -> Iterator[Exchange]:
    for number, path in enumerate(paths):
        time.sleep(max(0.0, start + number * interval - time.monotonic()))
        yield _exchange(connection, path)


def _exchange(connection: socket.socket, path: str) -> Exchange:
    root = f"1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
    request = f"GET {path} HTTP/1.1\r\n{_BROWSER}\r\n"
    connection.sendall((request[:-2] + _LOAD_BALANCER.format(root) + "\r\n").encode())
    response = _receive(connection, b"")
    while (end := response.find(b"\r\n\r\n")) < 0:
        response = _receive(connection, response)
    _, _, rest = response[:end].lower().partition(b"content-length:")
    length = end + 4 + int(rest.split(b"\r\n", 1)[0])
    while len(response) < length:
        response = _receive(connection, response)
    return Exchange(path, int(response[9:12]), len(request), length)


def _receive(connection: socket.socket, prefix: bytes) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionResetError("the service closed the connection")
    return prefix + data
