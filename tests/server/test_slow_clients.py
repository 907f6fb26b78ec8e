"""Clients that are slow, or never finish, cost the others nothing."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from tests.server.apps import LONG
from tests.server.raw import exchange, receive_all, serving

APP = "tests.server.apps:build()"
ATTACKS = {
    "no bytes": b"",
    "headers": b"GET / HTTP/1.1\r\nHost: a\r\n",
    "relay": b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n",
    "form": b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 60000\r\n\r\na=",
    "chunked": b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "expecting": b"POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    "long body": b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 99000000\r\n\r\n",
    "reader": b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n",
    "pipelining reader": b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n" * 20,
    "keeper": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "kept alive, then headers": b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n",
    "kept alive, then body": b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
}
WAIT_SECONDS = 1.0
"""Less than any limit on slow clients, which another request would wait for."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(APP, WEB_THREADS="4") as port:
        yield port


def upload_head(size: int) -> bytes:
    return b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size


@contextlib.contextmanager
def clients(port: int, data: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Connect, send, and neither read nor close."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(data)
            sockets.append(client)
        yield sockets


def seconds_of_a_request(port: int) -> float:
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/api/activities/home")
        assert connection.getresponse().status == 200
    return time.monotonic() - start


def least_seconds_of_a_request(port: int) -> float:
    """Return the time of the fastest of some requests: the machine may be busy."""
    return min(seconds_of_a_request(port) for _ in range(4))


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("attack", ATTACKS)
def test_others_are_served_while_clients_are_slow(attack: str, port: int) -> None:
    usual = least_seconds_of_a_request(port)
    with clients(port, ATTACKS[attack], 64):
        time.sleep(0.5)  # until what they have sent is served
        assert least_seconds_of_a_request(port) < WAIT_SECONDS + 10 * usual


@pytest.mark.usefixtures("socket_enabled")
def test_a_long_body_that_is_sent_arrives_whole(port: int) -> None:
    for framing in ("length", "chunked"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        pieces = [b"x" * 100_000] * 30
        headers = {"Content-Length": "3000000"} if framing == "length" else {}
        with contextlib.closing(connection):
            connection.request("POST", "/upload", iter(pieces), headers, encode_chunked=framing == "chunked")
            assert connection.getresponse().read() == b'{"length":3000000}\n'


@pytest.mark.usefixtures("socket_enabled")
def test_a_response_that_is_read_slowly_arrives_whole(port: int) -> None:
    with clients(port, ATTACKS["reader"], 1) as [client]:
        received = bytearray()
        while len(received) < LONG:
            received += client.recv(300_000)
            time.sleep(0.01)
    assert received.endswith(b"x" * 1000)
    assert received.count(b"x", received.index(b"\r\n\r\n")) == LONG


@pytest.mark.usefixtures("socket_enabled")
def test_requests_that_are_not_sent_in_time_get_a_408_and_unread_responses_are_cut_off() -> None:
    with serving(APP, "-k", "tests.server.apps.ImpatientWorker") as port:
        for attack, name in (("headers", b"head"), ("form", b"body"), ("chunked", b"body"), ("long body", b"body")):
            with clients(port, ATTACKS[attack], 1) as [client]:
                client.settimeout(8)
                response = receive_all(client)
                assert response.startswith(b"HTTP/1.1 408 "), attack
                assert b"\r\nConnection: close\r\n" in response
                assert name in response
        with clients(port, ATTACKS["reader"], 1) as [client]:
            time.sleep(3.5)
            received = 0
            with contextlib.suppress(ConnectionResetError):
                while data := client.recv(300_000):
                    received += len(data)
        assert received < LONG


@pytest.fixture(scope="module")
def impatient() -> Iterator[int]:
    with serving(APP, "-k", "tests.server.apps.ImpatientWorker") as port:
        yield port


def drip(port: int, pieces: list[bytes], pause: float) -> bytes:
    """Upload pieces with a pause after each; return the response."""
    head = upload_head(sum(map(len, pieces)))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(head)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                client.sendall(piece)
                time.sleep(pause)
        return client.recv(4096)


@pytest.mark.usefixtures("socket_enabled")
def test_an_upload_may_take_as_long_as_it_makes_progress(impatient: int) -> None:
    assert drip(impatient, [b"x" * 300] * 15, 0.4).startswith(b"HTTP/1.1 200 "), "six seconds, at 750 bytes a second"


@pytest.mark.usefixtures("socket_enabled")
def test_an_upload_that_makes_too_little_progress_gets_a_408(impatient: int) -> None:
    assert drip(impatient, [b"x"] * 30, 0.2).startswith(b"HTTP/1.1 408 "), (
        "never silent, but far below 500 bytes a second"
    )


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("path", [b"/long", b"/stream"])
def test_a_download_may_take_as_long_as_it_makes_progress(path: bytes, impatient: int) -> None:
    with clients(impatient, b"GET %s HTTP/1.0\r\n\r\n" % path, 1) as [client]:
        size = LONG if path == b"/long" else 200 * 65_536
        received, start = 0, time.monotonic()
        while data := client.recv(200_000, socket.MSG_WAITALL):
            received += len(data)
            if time.monotonic() - start < 6:
                time.sleep(0.4)
    assert received > size
    assert time.monotonic() - start > 5, "several times what a client has for a step"


@pytest.mark.usefixtures("socket_enabled")
def test_many_long_bodies_do_not_fill_the_memory(port: int) -> None:
    size, count = 900_000, 60  # 54 MB, of which 32 MiB may be in memory
    with clients(port, upload_head(size), count) as connected:
        for part in (size - 1, 1):
            for client in connected:
                client.sendall(b"x" * part)
        statuses = {client.recv(4096)[:13] for client in connected}
    assert statuses == {b"HTTP/1.1 200 "}


@pytest.mark.usefixtures("socket_enabled")
def test_beyond_the_disk_the_longest_waiting_client_is_told_to_retry() -> None:
    size = 2_000_000
    head = upload_head(size)
    with (
        serving(APP, "-k", "tests.server.apps.NarrowWorker", WEB_THREADS="2") as port,
        clients(port, head, 1),  # received by a thread
        clients(port, head + b"x" * (size - 1), 6) as [first, *_, last],
    ):
        first.settimeout(5)
        response = first.recv(4096)
        assert response.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 1\r\n" in response
        last.settimeout(5)
        last.sendall(b"x")
        assert last.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.usefixtures("socket_enabled")
def test_without_a_disk_half_of_the_threads_receive_long_bodies() -> None:
    size = 2_000_000
    head = upload_head(size)
    with (
        serving(APP, "-k", "tests.server.apps.DisklessWorker", WEB_THREADS="2") as port,
        clients(port, head, 1) as [first],
        clients(port, head, 1) as [second],
    ):
        first.sendall(b"x" * (size - 1))
        time.sleep(0.5)
        second.sendall(b"x" * (size - 1))
        assert second.recv(4096).startswith(b"HTTP/1.1 503 ")
        first.sendall(b"x")
        assert first.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.usefixtures("socket_enabled")
def test_beyond_the_budget_the_longest_waiting_client_is_dropped() -> None:
    body = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 90_000
    with serving(APP, "-k", "tests.server.apps.CrampedWorker") as port:
        usual = least_seconds_of_a_request(port)
        with clients(port, body, 8) as [first, *_, last]:
            first.settimeout(5)
            assert first.recv(100).startswith(b"HTTP/1.1 503 ")
            last.sendall(b"x" * 10_000)
            last.settimeout(5)
            assert last.recv(100).startswith(b"HTTP/1.1 200 ")
        assert least_seconds_of_a_request(port) < WAIT_SECONDS + 10 * usual


@pytest.mark.usefixtures("socket_enabled")
def test_beyond_the_connections_of_a_worker_the_longest_waiting_client_is_dropped() -> None:
    with serving(APP, "--worker-connections", "20") as port:
        usual = least_seconds_of_a_request(port)
        with clients(port, b"GET / HTTP/1.1\r\n", 30) as [first, *_]:
            first.settimeout(8)
            assert first.recv(100) == b""
            assert least_seconds_of_a_request(port) < WAIT_SECONDS + 10 * usual


@pytest.mark.usefixtures("socket_enabled")
def test_a_body_that_ends_early_is_the_clients_error(port: int) -> None:
    for data in (
        b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
        b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ):
        assert exchange(port, [data]).startswith(b"HTTP/1.1 400 "), data
