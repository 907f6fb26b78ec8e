"""A queue never blocks its caller, stays bounded, tries again, and counts what it drops."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest

from service.telemetry.batching import Batcher, PermanentError


class Link:
    """Take batches; fail the first `failures` of them; wait while `gate` is closed."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.calls = 0
        self._failures = failures
        self._error = error or ConnectionError("refused")

    def send(self, batch: list[int]) -> None:
        self.calls += 1
        assert self.gate.wait(10)
        if self.calls <= self._failures:
            raise self._error
        self.batches.append(batch)

    @property
    def items(self) -> list[int]:
        return [item for batch in self.batches for item in batch]


def closed(batcher: Batcher[int], seconds: float = 5) -> bool:
    batcher.begin_close(seconds)
    return batcher.finish_close()


def test_items_arrive_in_order_and_in_small_batches() -> None:
    link = Link()
    batcher = Batcher("test", link.send, batch_size=4)
    for item in range(10):
        batcher.put(item)
    assert batcher.flush(5)
    assert link.items == list(range(10))
    assert max(map(len, link.batches)) <= 4
    assert batcher.counts.delivered == 10
    assert closed(batcher)


def test_a_full_queue_drops_and_counts_without_blocking() -> None:
    link = Link()
    link.gate.clear()
    batcher = Batcher("test", link.send, capacity=5, batch_size=1, interval=0.01)
    batcher.put(0)
    deadline = time.monotonic() + 5
    while not link.calls and time.monotonic() < deadline:
        time.sleep(0.005)
    for item in range(1, 20):
        batcher.put(item)
    assert batcher.counts.dropped_full == 14
    link.gate.set()
    assert closed(batcher)
    assert link.items == list(range(6))


def test_a_batch_that_fails_is_sent_again() -> None:
    link = Link(failures=2)
    batcher = Batcher("test", link.send)
    batcher.put(1)
    assert batcher.flush(5)
    assert link.items == [1]
    assert link.calls == 3
    assert closed(batcher)


def test_a_batch_refused_for_good_is_dropped_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    link = Link(failures=99, error=PermanentError("answered 401: check the key"))
    batcher = Batcher("test", link.send, batch_size=1)
    with caplog.at_level(logging.WARNING):
        batcher.put(1)
        batcher.put(2)
        assert batcher.flush(5)
    assert (link.calls, batcher.counts.dropped_failed) == (2, 2)
    assert [record.getMessage() for record in caplog.records] == [
        "telemetry for test was dropped: 1 items so far (answered 401: check the key)"
    ]
    assert closed(batcher)


def test_closing_gives_up_at_its_deadline_and_counts_the_rest() -> None:
    link = Link()
    link.gate.clear()
    batcher = Batcher("test", link.send, batch_size=1)
    for item in range(3):
        batcher.put(item)
    begun = time.monotonic()
    assert not closed(batcher, 0.3)
    assert time.monotonic() - begun < 2
    assert batcher.counts.dropped_failed >= 2
    link.gate.set()


def test_closing_an_unused_queue_starts_no_thread() -> None:
    before = threading.active_count()
    batcher = Batcher("test", Link().send)
    assert closed(batcher)
    assert threading.active_count() == before


def test_a_forked_child_starts_empty_and_delivers_its_own() -> None:
    link = Link()
    batcher = Batcher("test", link.send, interval=0.01)
    batcher.put(1)
    assert batcher.flush(5)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - the child's coverage is not collected
        try:
            link.batches.clear()
            batcher.put(2)
            delivered = batcher.flush(5) and link.items == [2]
            os.write(write, b"1" if delivered else b"0")
        finally:
            os._exit(0)  # whatever happens: else the child would go on with the tests
    os.waitpid(child, 0)
    assert os.read(read, 1) == b"1"
    os.close(read)
    os.close(write)
    assert link.items == [1]
    assert closed(batcher)
