"""Whatever a client does, it gets from our worker what gunicorn's gthread sends, or what a documented rule says."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.server.apps import digest_of
from tests.server.raw import serving

APP = "tests.server.apps:build_transfers()"
THREADS = 4
BODY = bytes(range(256)) * 12_000  # 3 MB
TOO_LONG = 9_000_000
AT_ONCE = 0.8
"""Seconds: less than the pauses of handlers and clients."""
Client = Callable[[int], Any]
"""Talk to a port, and return what can be compared of the responses."""
HEAD = b"POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n"


@pytest.fixture(scope="module")
def ours() -> Iterator[int]:
    with serving(APP, WEB_THREADS=str(THREADS)) as port:
        yield port


@pytest.fixture(scope="module")
def gthread() -> Iterator[int]:
    with serving(APP, "-k", "gthread", WEB_THREADS=str(THREADS)) as port:
        yield port


@contextlib.contextmanager
def connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client


def response(client: socket.socket, method: str = "GET") -> tuple[Any, ...]:
    """Return status, connection header and a summary of the body of the next response, interim ones left out."""
    answer = http.client.HTTPResponse(client, method=method)
    answer.begin()
    with contextlib.closing(answer):
        summary = digest_of(iter(lambda: answer.read(65_536), b""))
    return answer.status, answer.getheader("Connection"), summary


def post(path: bytes, body: bytes, pieces: int = 1, pause: float = 0.0, headers: bytes = b"") -> Client:
    """Return a client that sends a body of known length in pieces."""

    def run(port: int) -> object:
        with connection(port) as client:
            client.sendall(HEAD % (path, headers + b"Content-Length: %d" % len(body)))
            for piece in split(body, pieces):
                client.sendall(piece)
                time.sleep(pause)
            return response(client)

    return run


def post_chunked(body: bytes, size: int, pause: float = 0.0, extension: bytes = b"", trailer: bytes = b"") -> Client:
    """Return a client that sends a body in chunks."""

    def run(port: int) -> object:
        with connection(port) as client:
            client.sendall(HEAD % (b"/pieces", b"Transfer-Encoding: chunked"))
            for start in range(0, len(body), size):
                chunk = body[start : start + size]
                client.sendall(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk))
                time.sleep(pause)
            client.sendall(b"0\r\n" + trailer + b"\r\n")
            return response(client)

    return run


def split(data: bytes, count: int) -> list[bytes]:
    size = max(1, -(-len(data) // count))
    return [data[start : start + size] for start in range(0, len(data), size)]


def get(path: str, *, pause: float = 0.0, method: str = "GET", half_close: bool = False) -> Client:
    """Return a client that reads the response slowly."""

    def run(port: int) -> object:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            client.settimeout(20)
            client.connect(("127.0.0.1", port))
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            if half_close:
                client.shutdown(socket.SHUT_WR)
            time.sleep(pause)
            return response(client, method)

    return run


def expect(path: bytes, body: bytes) -> Client:
    """Return a client that waits for permission to send its body."""

    def run(port: int) -> object:
        with connection(port) as client:
            client.sendall(HEAD % (path, b"Expect: 100-continue\r\nContent-Length: %d" % len(body)))
            interim = client.recv(25)
            client.sendall(body)
            return interim, response(client)

    return run


def pipeline(port: int) -> object:
    """Send several requests at once, a long body among them."""
    with connection(port) as client:
        upload = HEAD % (b"/whole", b"Content-Length: %d" % len(BODY)) + BODY
        request = b"GET /sized/1000 HTTP/1.1\r\nHost: a\r\n\r\n"
        client.sendall(request * 3 + upload + request)
        stream = client.makefile("rb")
        statuses = []
        for _ in range(5):
            statuses.append(int(stream.readline().split()[1]))
            headers = http.client.parse_headers(stream)
            stream.read(int(headers["Content-Length"]))
        return statuses


def pipeline_after_upgrade(port: int) -> object:
    """Ask for a protocol that the app does not speak, with a body, and send the next request at once."""
    with connection(port) as client:
        upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3"
        client.sendall(HEAD % (b"/whole", upgrade) + b"abc" + b"GET /sized/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        stream = client.makefile("rb")
        answers = []
        for _ in range(2):
            status = int(stream.readline().split()[1])
            headers = http.client.parse_headers(stream)
            answers.append((status, stream.read(int(headers["Content-Length"]))))
        return answers


def keep_alive(port: int) -> object:
    """Send one request after the other."""
    session = requests.Session()
    url = f"http://127.0.0.1:{port}"
    answers: list[object] = []
    for _ in range(3):
        answers.append(session.post(f"{url}/whole", data=BODY, timeout=20).json())
        answers.append(session.post(f"{url}/unread", data=b"x" * 1_000, timeout=20).text)
        answers.append(session.post(f"{url}/pieces", data=iter(split(BODY, 50)), timeout=20).json())
        answers.append(len(session.get(f"{url}/streamed/3000000", timeout=20).content))
    return answers


def send_file(port: int) -> object:
    """Send a form with a file, as a browser does."""
    return requests.post(f"http://127.0.0.1:{port}/file", files={"file": io.BytesIO(BODY)}, timeout=20).json()


BEHAVIORS: dict[str, Client] = {
    "fast upload": post(b"/whole", BODY),
    "fast upload, read in pieces": post(b"/pieces", BODY),
    "slow upload": post(b"/whole", BODY, 30, 0.05),
    "slow upload, read in pieces": post(b"/pieces", BODY, 30, 0.05),
    "slow small upload": post(b"/whole", b"abcdefghij", 10, 0.1),
    "empty upload": post(b"/whole", b""),
    "file of a form": send_file,
    "upgrade that is ignored": post(b"/whole", b"abc", headers=b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    "upgrade that is ignored, pipelined": pipeline_after_upgrade,
    "chunks": post_chunked(BODY, 100_000),
    "slow chunks": post_chunked(BODY, 100_000, 0.05),
    "chunks of one byte": post_chunked(b"x" * 3_000, 1),
    "chunks of rows": post_chunked(BODY[:500_000], 50),
    "extensions and trailers": post_chunked(BODY[:50_000], 1_000, extension=b";a=b", trailer=b"X-A: b\r\n"),
    "100-continue": expect(b"/whole", b"body"),
    "100-continue, long": expect(b"/whole", BODY),
    "long body that is not read": post(b"/unread", b"x" * 50_000),
    "fast download": get("/sized/3000000"),
    "slow download": get("/sized/9000000", pause=1.0),
    "slow download of a stream": get("/streamed/9000000", pause=1.0),
    "head": get("/sized/3000000", method="HEAD"),
    "head of a stream": get("/streamed/3000000", method="HEAD"),
    "half-close": get("/sized/3000000", half_close=True),
    "pipelining": pipeline,
    "keep-alive": keep_alive,
}


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("behavior", BEHAVIORS)
def test_a_client_gets_what_gthread_sends(behavior: str, ours: int, gthread: int) -> None:
    assert BEHAVIORS[behavior](ours) == BEHAVIORS[behavior](gthread)


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(
    "behavior",
    [post(b"/whole", BODY, 30, 0.05), get("/sized/9000000", pause=1.5), get("/streamed/9000000", pause=1.5)],
    ids=["uploads", "downloads", "streams"],
)
def test_many_slow_clients_at_once_are_all_served(behavior: Client, ours: int) -> None:
    start = time.monotonic()
    with ThreadPoolExecutor(5 * THREADS) as pool:
        answers = list(pool.map(lambda _: behavior(ours), range(5 * THREADS)))
    assert {status for status, *_ in answers} == {200}
    assert len({str(each) for each in answers}) == 1
    assert time.monotonic() - start < 8, "one after the other"


@pytest.mark.usefixtures("socket_enabled")
def test_events_are_sent_at_once(ours: int) -> None:
    with connection(ours) as client:
        client.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        start = time.monotonic()
        received = b""
        while b"first" not in received:
            received += client.recv(1_000)
        assert time.monotonic() - start < AT_ONCE
        assert b"second" not in received


# Rules of ours.


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("headers", [b"", b"Expect: 100-continue\r\n"], ids=["", "100-continue"])
def test_a_body_that_is_too_long_for_the_app_is_answered_before_it_is_sent(headers: bytes, ours: int) -> None:
    with connection(ours) as client:
        client.sendall(HEAD % (b"/whole", headers + b"Content-Length: %d" % TOO_LONG))
        start = time.monotonic()
        first = client.recv(12, socket.MSG_PEEK)
        assert time.monotonic() - start < AT_ONCE
        assert first == b"HTTP/1.1 413"
        assert response(client)[:2] == (413, "close")


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_that_sends_all_before_it_reads_gets_the_413(framing: str, ours: int) -> None:
    pieces = [b"x" * 100_000] * (TOO_LONG // 100_000)
    answer = http.client.HTTPConnection("127.0.0.1", ours, timeout=20)
    headers = {"Content-Length": str(TOO_LONG)} if framing == "length" else {}
    with contextlib.closing(answer):
        answer.request("POST", "/pieces", slowly(pieces), headers, encode_chunked=framing == "chunked")
        assert answer.getresponse().status == 413


def slowly(pieces: list[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        time.sleep(0.02)


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("headers", [{}, {"Expect": "100-continue"}], ids=["", "100-continue"])
def test_a_handler_that_accepts_longer_bodies_than_its_app_gets_them(headers: dict[str, str], ours: int) -> None:
    body = b"x" * TOO_LONG
    answer = requests.post(f"http://127.0.0.1:{ours}/raised-limit", data=body, headers=headers, timeout=20)
    assert answer.json() == digest_of([body])


@pytest.mark.usefixtures("socket_enabled")
def test_a_body_that_ends_early_is_no_shorter_body(ours: int) -> None:
    with connection(ours) as client:
        client.sendall(HEAD % (b"/whole", b"Content-Length: 100") + b"x" * 50)
        client.shutdown(socket.SHUT_WR)
        assert response(client)[:2] == (400, "close")


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("headers", [b"", b"Expect: 100-continue\r\n"], ids=["", "100-continue"])
@pytest.mark.parametrize("sent", [0, len(BODY)])
def test_an_answer_to_an_unread_long_body_needs_nothing_of_it(headers: bytes, sent: int, ours: int) -> None:
    with connection(ours) as client:
        client.sendall(HEAD % (b"/unread", headers + b"Content-Length: %d" % len(BODY)))
        for piece in split(BODY[:sent], 10):
            client.sendall(piece)
            time.sleep(0.05)
        status, _, summary = response(client)
    assert (status, summary["length"]) == (200, len(b"unread"))


@pytest.mark.usefixtures("socket_enabled")
def test_clients_that_do_not_send_what_is_too_long_leave_half_of_the_threads(ours: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(5 * THREADS):
            client = stack.enter_context(connection(ours))
            client.sendall(HEAD % (b"/raised-limit", b"Content-Length: %d" % TOO_LONG))
        time.sleep(0.5)
        for _ in range(3):
            start = time.monotonic()
            assert get("/sized/10")(ours)[0] == 200
            assert time.monotonic() - start < AT_ONCE
