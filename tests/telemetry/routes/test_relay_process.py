"""Under the real server, broken bodies get a 400, and what is too long is refused unread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.telemetry.gunicorn_server import Server, serve

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

HEAD = "POST /v1/traces HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve({"LOG_CONSOLE": "false"}) as running:
        yield running


def exchange(server: Server, request: bytes, *, then_close: bool = False) -> bytes:
    """Return the first bytes of the response."""
    url = urlsplit(server.url)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=60) as connection:
        connection.sendall(request)
        if then_close:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(65536)


@pytest.mark.parametrize(
    "body",
    [
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nabXX",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
        "Content-Length: 50\r\n\r\n{",
    ],
)
def test_a_broken_body_is_a_400(body: str, server: Server) -> None:
    assert exchange(server, (HEAD + body).encode(), then_close=True).split()[1] == b"400"


def test_a_body_that_is_too_long_is_refused_unread(server: Server) -> None:
    response = exchange(server, f"{HEAD}Content-Length: 10000000\r\n\r\n".encode())
    assert response.split()[1] == b"413"
