"""`ExportQueue`: bounded, non-blocking, sends full batches, survives a fork."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from flask_onetrace.telemetry.export import gil_pacing
from flask_onetrace.telemetry.export.queue import ExportQueue
from tests.unit.fake_sink import FakeSink, close, wait_until


def test_items_are_sent_in_order_and_in_batches_of_bounded_size() -> None:
    sink = FakeSink()
    queue = ExportQueue("test", sink.send, batch_size=4)
    for item in range(10):
        queue.put(item)
    assert queue.flush(5)
    assert sink.items == list(range(10))
    assert max(map(len, sink.batches)) <= 4
    assert queue.counts.delivered == 10
    assert close(queue)


def test_a_full_queue_drops_new_items_and_counts_them_without_blocking() -> None:
    sink = FakeSink()
    sink.gate.clear()
    queue = ExportQueue("test", sink.send, capacity=5, batch_size=1, interval=0.01)
    queue.put(0)
    assert wait_until(lambda: sink.calls == 1)
    for item in range(1, 20):
        queue.put(item)
    assert queue.counts.dropped_full == 14
    sink.gate.set()
    assert close(queue)
    assert sink.items == list(range(6))


def test_items_queued_during_a_send_wait_for_a_full_batch() -> None:
    sink = FakeSink()
    sink.gate.clear()
    queue = ExportQueue("test", sink.send, batch_size=4, interval=60)
    for item in range(5):
        queue.put(item)
    assert wait_until(lambda: sink.calls == 1)
    for item in range(5, 15):
        queue.put(item)
    sink.gate.set()
    assert wait_until(lambda: len(sink.batches) == 3)
    assert sink.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert queue.flush(5)
    assert sink.batches[3:] == [[12, 13, 14]]
    assert close(queue)


@pytest.mark.parametrize(("count", "paced"), [(3, True), (4, False)], ids=["a quarter", "more"])
def test_a_queue_more_than_a_quarter_full_bypasses_gil_pacing(
    *, count: int, paced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(gil_pacing, "time", SimpleNamespace(monotonic=lambda: 1000.0, sleep=pauses.append))
    monkeypatch.setattr(gil_pacing._Schedule, "next_slot", 1000.001)
    sink = FakeSink()
    sink.gate.clear()
    sends_paced: list[bool] = []

    def send(batch: list[int]) -> None:
        sink.send(batch)
        pauses.clear()
        gil_pacing.wait_for_slot()
        sends_paced.append(bool(pauses))

    queue = ExportQueue("test", send, capacity=12, batch_size=1, interval=0.01)
    queue.put(0)
    assert wait_until(lambda: sink.calls == 1)
    for item in range(count):
        queue.put(item)
    sink.gate.set()
    assert wait_until(lambda: len(sends_paced) == count + 1)
    assert sends_paced == [paced] + [True] * count
    assert close(queue)


@pytest.mark.parametrize("send_all", [lambda queue: queue.flush(5), close], ids=["flush", "close"])
def test_flush_and_close_bypass_gil_pacing(
    send_all: Callable[[ExportQueue[int]], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gil_pacing._Schedule, "next_slot", time.monotonic() + 60)
    sent: list[int] = []

    def send(batch: list[int]) -> None:
        gil_pacing.wait_for_slot()
        sent.extend(batch)

    queue = ExportQueue("test", send, batch_size=8, interval=60)
    for item in range(4):
        queue.put(item)
    assert send_all(queue)
    assert sent == [0, 1, 2, 3]
    assert close(queue)


def test_a_partial_batch_is_sent_after_one_interval() -> None:
    sink = FakeSink()
    queue = ExportQueue("test", sink.send, batch_size=100, interval=0.05)
    queue.put(1)
    assert wait_until(lambda: sink.items == [1])
    queue.put(2)
    assert wait_until(lambda: sink.items == [1, 2])
    assert close(queue)


def test_closing_an_unused_queue_starts_no_thread() -> None:
    before = threading.active_count()
    queue = ExportQueue("test", FakeSink().send)
    assert close(queue)
    assert threading.active_count() == before


def test_a_forked_child_starts_with_an_empty_queue_and_sends_its_own_items() -> None:
    sink = FakeSink()
    queue = ExportQueue("test", sink.send, interval=0.01)
    queue.put(1)
    assert queue.flush(5)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - the child's coverage is not collected
        try:
            sink.batches.clear()
            queue.put(2)
            delivered = queue.flush(5) and sink.items == [2]
            os.write(write_end, b"1" if delivered else b"0")
        finally:
            os._exit(0)  # the child must never return into pytest
    os.waitpid(child, 0)
    assert os.read(read_end, 1) == b"1"
    os.close(read_end)
    os.close(write_end)
    assert sink.items == [1]
    assert close(queue)
