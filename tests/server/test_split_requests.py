"""Requests as bytes, split anywhere: the responses are those of gunicorn's own gthread worker."""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.server.raw import exchange, serving

METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE")
BODIES = (b"", b"a", b"x" * 100, b"y" * 9000, b"0\r\n\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)))
HEADERS = ("Host: a", "X-Thing: 1", "Cookie: a=b", "X_Under: 1", "Accept: */*", "Content-Type: text/plain", "Empty:")
MALFORMED = (
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET /\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n",
    b"GET " + b"/" * 5000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: " + b"b" * 9000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nExpect: something\r\nContent-Length: 1\r\n\r\na",
    b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)


def well_formed(rng: random.Random) -> bytes:
    method, version = rng.choice(METHODS), rng.choice(("1.1", "1.1", "1.1", "1.0"))
    path = rng.choice(("/", "/unread", "/a/b?c=d", "/%00%ff", "*" if method == "OPTIONS" else "/x"))
    headers = rng.sample(HEADERS, rng.randint(0, 4))
    if rng.random() < 0.2:
        headers.append(rng.choice(("Connection: close", "Connection: keep-alive", "Connection: Upgrade")))
    body = rng.choice(BODIES)
    framing = rng.choice(("none", "length", "chunked" if version == "1.1" else "length"))
    if framing == "length":
        headers.append(f"Content-Length: {len(body)}")
        if rng.random() < 0.2:
            headers.append("Expect: 100-continue")
    elif framing == "chunked":
        headers.append(rng.choice(("Transfer-Encoding: chunked", "transfer-encoding:Chunked")))
        body = chunked(body, rng)
    else:
        body = b""
    rng.shuffle(headers)
    prefix = b"\r\n" if rng.random() < 0.1 else b""
    return prefix + "\r\n".join((f"{method} {path} HTTP/{version}", *headers, "", "")).encode() + body


def chunked(body: bytes, rng: random.Random) -> bytes:
    chunks = []
    while body:
        size = rng.randint(1, len(body))
        extension = rng.choice((b"", b"", b";a=b", b';a="b;c"'))
        chunks.append(b"%x%s\r\n%s\r\n" % (size, extension, body[:size]))
        body = body[size:]
    trailer = rng.choice((b"", b"", b"X-Trailer: 1\r\n"))
    return b"".join(chunks) + b"0\r\n" + trailer + b"\r\n"


def split(data: bytes, rng: random.Random) -> Iterator[bytes]:
    count = rng.choice((0, 1, 2, 5))
    edges = sorted(rng.sample(range(len(data) + 1), min(count, len(data))))
    for start, end in zip([0, *edges], [*edges, len(data)], strict=True):
        yield data[start:end]


def conversation(seed: int) -> tuple[list[bytes], bytes]:
    rng = random.Random(seed)
    requests = [well_formed(rng) for _ in range(rng.randint(1, 4))]
    if rng.random() < 0.3:
        requests.append(rng.choice(MALFORMED))
    data = b"".join(requests)
    return list(split(data, rng)), data


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    with serving("tests.server.apps:echo") as ours, serving("tests.server.apps:echo", "-k", "gthread") as stock:
        yield ours, stock


@pytest.mark.usefixtures("socket_enabled")
def test_any_requests_split_anywhere_get_gunicorns_responses(ports: tuple[int, int]) -> None:
    for seed in range(250):
        pieces, data = conversation(seed)
        ours, stock = (normalized(exchange(port, pieces)) for port in ports)
        assert ours == stock, f"seed {seed}: {data!r}"


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("request_bytes", MALFORMED)
def test_a_malformed_request_gets_gunicorns_status(ports: tuple[int, int], request_bytes: bytes) -> None:
    ours, stock = (normalized(exchange(port, [request_bytes])) for port in ports)
    assert ours == stock


@pytest.mark.usefixtures("socket_enabled")
def test_a_request_split_at_every_byte_is_served(ports: tuple[int, int]) -> None:
    body = b"3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"
    data = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"GET / HTTP/1.1\r\n\r\n"
    whole = normalized(exchange(ports[0], [data]))
    for edge in range(1, len(data)):
        assert normalized(exchange(ports[0], [data[:edge], data[edge:]])) == whole
    assert normalized(exchange(ports[0], [bytes([byte]) for byte in data])) == whole


@pytest.mark.usefixtures("socket_enabled")
def test_a_client_that_expects_to_be_invited_is(ports: tuple[int, int]) -> None:
    with socket.create_connection(("127.0.0.1", ports[0]), timeout=5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ab")
        time.sleep(0.1)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


RESPONSE = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r]*\r\n(.*?)\r\n\r\n", re.DOTALL)


def normalized(stream: bytes) -> list[object]:
    """Return the responses: of errors only the status, whose bodies differ; interim ones are left out."""
    responses: list[object] = []
    while stream:
        match = RESPONSE.match(stream)
        assert match is not None, stream
        status, head = int(match[1]), match[2]
        length = re.search(rb"Content-Length: (\d+)", head)
        end = match.end() + int(length[1]) if length is not None and not is_head(stream, match.end()) else match.end()
        if status == 200:
            responses.append((status, re.findall(rb"Connection: (\S+)", head), stream[match.end() : end]))
        elif status != 100:
            responses.append(status)
        stream = stream[end:]
    return responses


def is_head(stream: bytes, end: int) -> bool:
    return stream[end : end + 1] not in {b"{", b"<"}
