"""More than a worker can serve at once waits, or is told so: the worker lives, and what it has begun ends."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from gunicorn.http.errors import InvalidChunkSize

from flask_onetrace.server.acceptor import Acceptor
from flask_onetrace.server.chunked import ChunkScanner
from tests.server.raw import exchange, receive_all, serving
from tests.telemetry.backends import FakeBackends
from tests.telemetry.gunicorn_server import serve

APP = "tests.server.apps:build()"
POST = b"POST /%s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(APP) as port:
        yield port


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1]) if response else 0


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(("route", "status"), [(b"upload", 200), (b"v1/traces", 403), (b"nowhere", 404)])
def test_a_body_sent_byte_by_byte_costs_no_core(route: bytes, status: int, port: int) -> None:
    body = b"1\r\nx\r\n" * 170_000 + b"0\r\n\r\n"
    start = time.monotonic()
    response = exchange(port, [POST % (route, CHUNKED) + body])
    assert time.monotonic() - start < 20, "it took about a minute"
    assert status_of(response) == status


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(("count", "size"), [(3_000, 1), (3_000, 300), (10, 90_000), (30, 90_000)])
def test_a_body_of_any_chunks_arrives_whole(count: int, size: int, port: int) -> None:
    chunk = b"%x\r\n%s\r\n" % (size, b"x" * size)
    response = exchange(port, [POST % (b"upload", CHUNKED) + chunk * count + b"0\r\n\r\n"])
    assert b'{"length":%d}' % (count * size) in response


@pytest.mark.usefixtures("socket_enabled")
def test_a_body_of_much_framing_and_little_data_is_rejected(port: int) -> None:
    chunk = b"1;" + b"x" * 1_000 + b"\r\nx\r\n"
    response = exchange(port, [POST % (b"upload", CHUNKED) + chunk * 30 + b"0\r\n\r\n"])
    assert status_of(response) == HTTPStatus.BAD_REQUEST
    assert b"\r\nConnection: close\r\n" in response


@pytest.mark.parametrize("seed", range(20))
def test_the_scanner_counts_framing_as_gos_net_http_does(seed: int) -> None:
    rng = random.Random(seed)
    excess, body, rejected_at = 0, [], None
    for number in range(200):
        size, extension = rng.randint(1, 40), b";" + b"x" * rng.randint(0, 400)
        line = b"%x%s\r\n" % (size, extension)
        body.append(line + b"x" * size + b"\r\n")
        excess = max(0, excess + len(line) + 2 - 16 - 2 * size)
        if excess > 16 * 1024 and rejected_at is None:
            rejected_at = number
    scanner = ChunkScanner()
    accepted = 0
    with contextlib.suppress(InvalidChunkSize):
        for chunk in body:
            scanner.feed(chunk)
            accepted += 1
    assert accepted == (len(body) if rejected_at is None else rejected_at)
    assert not scanner.is_malformed


@pytest.mark.usefixtures("socket_enabled")
def test_a_head_beyond_the_limit_is_rejected_however_it_is_split(port: int) -> None:
    lines = b"".join(b"X-%02d: %s\r\n" % (number, b"x" * 7_000) for number in range(10))
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n"
    for pieces in ([head], [head[:40_000], head[40_000:]], [head[:65_000], head[65_000:]]):
        assert exchange(port, pieces, pause=0.05).startswith(b"HTTP/1.1 431 ")


@pytest.mark.usefixtures("socket_enabled")
def test_an_application_can_close_the_connection(port: int) -> None:
    headers = b"Origin: http://elsewhere\r\nContent-Type: application/json\r\nContent-Length: 9"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(POST % (b"v1/traces", headers) + b"x" * 9)
        response = receive_all(client)
    assert response.startswith(b"HTTP/1.1 403 ")
    assert b"\r\nConnection: close\r\n" in response


@pytest.mark.usefixtures("socket_enabled")
def test_requests_that_wait_for_a_thread_hold_a_bounded_number_of_bytes() -> None:
    request = POST % (b"slow", b"Connection: close\r\nContent-Length: 90000") + b"x" * 90_000
    with serving(APP, "-k", "tests.server.apps.CrampedWorker", WEB_THREADS="1") as port:
        with ThreadPoolExecutor(12) as pool:
            statuses = Counter(status_of(each) for each in pool.map(lambda _: exchange(port, [request]), range(12)))
        # 512 KiB hold five of them; a thread has the first one.
        assert set(statuses) == {200, 503}
        assert 4 <= statuses[200] <= 6
        assert status_of(exchange(port, [request])) == HTTPStatus.OK


@pytest.mark.usefixtures("socket_enabled")
def test_connections_beyond_the_workers_wait_while_all_are_served() -> None:
    request = b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with serving(APP, "--worker-connections", "5", WEB_THREADS="4") as port:
        with ThreadPoolExecutor(12) as pool:
            responses = list(pool.map(lambda _: exchange(port, [request]), range(12)))
        assert {status_of(each) for each in responses} == {200}


class Listener:
    """A listening socket that cannot accept."""

    def __init__(self, number: int) -> None:
        self.accepts = 0
        self._number = number

    def accept(self) -> tuple[socket.socket, Any]:
        self.accepts += 1
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EPERM, errno.EPROTO, errno.ENETDOWN])
def test_after_an_error_no_more_is_accepted_for_now(number: int) -> None:
    switched: list[bool] = []
    reasons: list[str] = []
    acceptor = Acceptor(10, set_accept_enabled=switched.append, evict=lambda: False, report=reasons.append)
    acceptor.resume()
    listener: Any = Listener(number)
    acceptor.accept(listener, lambda *_: None)
    assert (listener.accepts, switched) == (1, [True, False])
    assert reasons == [f"connections not accepted: {os.strerror(number)}"]
    acceptor.retry()
    acceptor.stop()
    acceptor.retry()
    assert switched == [True, False, True, False]


@pytest.mark.usefixtures("socket_enabled")
def test_requests_that_no_thread_has_begun_are_rejected_at_the_stop(backends: FakeBackends) -> None:
    variables = {**backends.environment, "LOG_CONSOLE": "false", "WEB_THREADS": "1", "TELEMETRY_SHUTDOWN_DEADLINE": "1"}
    with serve(variables, "--graceful-timeout", "5", app=APP) as server:
        port = int(server.url.rpartition(":")[2])
        responses: dict[str, bytes] = {}

        def request(path: str) -> None:
            responses[path] = exchange(port, [b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode()])

        threads = [threading.Thread(target=request, args=(path,)) for path in ("/hang", "/api/activities/home")]
        for thread in threads:
            thread.start()
            time.sleep(0.5)
        server.stop()
        for thread in threads:
            thread.join(10)
    assert responses["/api/activities/home"].startswith(b"HTTP/1.1 503 ")


@pytest.mark.usefixtures("socket_enabled")
def test_a_path_outside_of_the_prefix_of_the_environment_gets_a_500() -> None:
    with serving(APP, SCRIPT_NAME="/shop") as port:
        responses = [exchange(port, [b"GET %s HTTP/1.0\r\n\r\n" % path]) for path in (b"/slow", b"/shop/slow")]
    assert [status_of(each) for each in responses] == [500, 200]
    assert b'"error"' in responses[0]
