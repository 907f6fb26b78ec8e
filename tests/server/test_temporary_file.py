"""What slow clients have sent, or have not read, is kept in files: in order, within bounds, and freed."""

from __future__ import annotations

import errno
import os
import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_onetrace.server.client_socket import ClientSocket
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.request_body import RequestUnreader
from flask_onetrace.server.temporary_file import Storage, TemporaryFile
from tests.cpu_time import LINEAR, growth


@pytest.mark.parametrize("seed", range(30))
def test_any_sequence_of_writes_and_reads_is_a_queue_within_its_bounds(seed: int) -> None:
    rng = random.Random(seed)
    max_bytes = rng.randint(1, 500)
    storage = Storage(400)
    file, expected = TemporaryFile(storage, max_bytes), b""
    for _ in range(300):
        if rng.random() < 0.5:
            data = rng.randbytes(rng.randint(0, 200))
            if file.append(data):
                expected += data
            else:
                assert len(expected) + len(data) > max_bytes or storage.is_exhausted
        else:
            data = file.read(rng.randint(1, 200))
            assert bool(data) == bool(expected)
            assert expected.startswith(data)
            expected = expected[len(data) :]
        assert file.unread == len(expected) <= max_bytes
    file.close()
    assert storage.reserve(400), "not all was released"


def test_a_file_that_has_been_read_is_freed_and_has_no_name(tmp_path: Path) -> None:
    storage = Storage(10)
    file = TemporaryFile(storage, 10)
    tempfile.tempdir, before = str(tmp_path), tempfile.tempdir
    try:
        assert file.append(b"0123456789")
        assert [*tmp_path.iterdir()] == []
        assert not storage.reserve(1)
        assert file.read(20) == b"0123456789"
        assert storage.reserve(10)
    finally:
        tempfile.tempdir = before


def test_a_full_disk_refuses_and_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(10)
    file = TemporaryFile(storage, 10)
    assert file.append(b"01")

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", fail)
        assert not file.append(b"23")
    assert file.append(b"45678901")
    assert file.read(10) == b"0145678901"


class Pair:
    """A client, and the socket that sends to it."""

    def __init__(self, limits: Limits) -> None:
        self.client, server = socket.socketpair()
        self.storage = Storage(limits.files_bytes)
        self.socket = ClientSocket(server.detach(), limits, self.storage)

    def receive(self, size: int) -> bytes:
        """Read, as the main loop flushes."""
        self.client.settimeout(0)
        received = bytearray()
        while len(received) < size:
            self.socket.flush()
            try:
                received += self.client.recv(100_000)
            except BlockingIOError:
                continue
        return bytes(received)


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair(Limits(backlog_bytes=200_000, stream_bytes=1_000_000, files_bytes=5_000_000))
    with pair.client, pair.socket:
        yield pair


class Sized:
    """A response with a length."""

    response_length = 1


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("seed", range(5))
def test_a_backlog_is_sent_in_order_wherever_it_is_kept(seed: int, pair: Pair) -> None:
    rng = random.Random(seed)
    pair.socket.response = Sized()
    expected = rng.randbytes(4_000_000)
    received, sent = b"", 0
    while sent < len(expected):
        piece = expected[sent : sent + rng.choice((10, 10_000, 900_000))]
        pair.socket.sendall(piece)
        sent += len(piece)
        pair.storage.is_memory_scarce = rng.random() < 0.5
        if rng.random() < 0.3:
            received += pair.receive(min(50_000, sent - len(received)))
    assert pair.socket.unsent_in_memory <= 200_000
    received += pair.receive(len(expected) - len(received))
    assert received == expected
    assert pair.socket.file is None
    assert pair.storage.reserve(5_000_000)


@pytest.mark.usefixtures("socket_enabled")
def test_a_stream_waits_for_its_client_when_its_file_is_full_and_goes_on_then(pair: Pair) -> None:
    def produce() -> None:
        for number in range(40):
            pair.socket.sendall(bytes([number]) * 100_000)

    producer = threading.Thread(target=produce)
    producer.start()
    producer.join(0.5)
    assert producer.is_alive()
    assert 1_000_000 <= pair.socket.unsent <= 1_300_000
    received = pair.receive(4_000_000)
    producer.join(5)
    assert received == b"".join(bytes([number]) * 100_000 for number in range(40))


@pytest.mark.usefixtures("socket_enabled")
def test_a_cut_off_ends_the_wait_and_frees_the_file(pair: Pair) -> None:
    failures: list[BaseException] = []

    def produce() -> None:
        try:
            while True:
                pair.socket.sendall(b"x" * 100_000)
        except BrokenPipeError as error:
            failures.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    producer.join(0.3)
    pair.socket.abort("timeout")
    producer.join(5)
    assert [str(each) for each in failures] == ["the response was cut off: timeout"]
    assert pair.socket.unsent > 1_000_000, "the access line needs it"
    assert pair.storage.reserve(5_000_000)


def test_a_body_that_arrives_byte_by_byte_takes_linear_time(socket_enabled: None) -> None:  # noqa: ARG001 - a fixture
    def store(size: int) -> None:
        with ClientSocket(socket.socket().detach(), Limits(), Storage(0)) as client:
            unreader = RequestUnreader(client, Limits(), Storage(0))
            for number in range(size):
                unreader.store(b"%d" % (number % 10))
            assert unreader.read(size) == (b"0123456789" * size)[:size]

    assert growth(store, lambda size: size, 8_000) < LINEAR
