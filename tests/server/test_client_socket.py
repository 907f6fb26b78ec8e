"""The rest of a response is sent, also where there is no room for all of it."""

from __future__ import annotations

import socket
import time
import tracemalloc
from queue import SimpleQueue
from threading import Thread

import pytest

from flask_onetrace.server.client_socket import ClientSocket
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.temporary_file import Storage

BODY = bytes(range(256)) * 4_000  # 1 MB: more than the kernel and the backlog hold


@pytest.mark.usefixtures("socket_enabled")
def test_a_response_goes_on_where_all_that_waited_was_sent_while_it_waited_for_room() -> None:
    ours, theirs = socket.socketpair()
    announced: SimpleQueue[None] = SimpleQueue()
    with theirs, ClientSocket(ours.detach(), Limits(backlog_bytes=100_000), Storage(0)) as client:
        client.on_backlog = lambda: announced.put(None)
        theirs.setblocking(False)  # noqa: FBT003 - the standard library's own argument
        writer = Thread(target=client.sendall, args=(BODY,), daemon=True)
        writer.start()
        received = bytearray()
        while len(received) < len(BODY):
            # As the main loop, which leaves a socket alone once it has sent all that there was.
            announced.get(timeout=5)
            time.sleep(0.01)  # until the writer waits: neither memory nor a file has room
            while client.unsent:
                received += drain(theirs)
                client.flush()
            received += drain(theirs)
        writer.join(10)
    assert bytes(received) == BODY


@pytest.mark.usefixtures("socket_enabled")
def test_a_backlog_of_short_writes_takes_no_more_memory_than_its_limit_says() -> None:
    limits, number = Limits(backlog_bytes=500_000), 100_000
    ours, theirs = socket.socketpair()
    tracemalloc.start()
    try:
        with theirs, ClientSocket(ours.detach(), limits, Storage(10_000_000)) as client:
            theirs.setblocking(False)  # noqa: FBT003 - as above
            for each in range(number):
                client.sendall(b"%09d\n" % each)
            grown, _ = tracemalloc.get_traced_memory()
            received = bytearray()
            while client.unsent:
                received += drain(theirs)
                client.flush()
            received += drain(theirs)
    finally:
        tracemalloc.stop()
    assert grown < 2 * limits.backlog_bytes
    assert bytes(received) == b"".join(b"%09d\n" % each for each in range(number))


def drain(peer: socket.socket) -> bytes:
    """Return what has arrived."""
    received = bytearray()
    try:
        while data := peer.recv(1_000_000):
            received += data
    except BlockingIOError:
        pass
    return bytes(received)
