"""A queue never blocks its caller, stays bounded, fills its batches, and survives a fork."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from service.telemetry.export import gil_pacing
from service.telemetry.export.queue import ExportQueue
from tests.unit.fake_sink import Link, closed, until


def test_items_arrive_in_order_and_in_small_batches() -> None:
    link = Link()
    batcher = ExportQueue("test", link.send, batch_size=4)
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
    batcher = ExportQueue("test", link.send, capacity=5, batch_size=1, interval=0.01)
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


def test_what_comes_while_a_batch_is_sent_waits_until_it_is_a_whole_one() -> None:
    link = Link()
    link.gate.clear()
    batcher = ExportQueue("test", link.send, batch_size=4, interval=60)
    for item in range(5):
        batcher.put(item)
    assert until(lambda: link.calls == 1)
    for item in range(5, 15):
        batcher.put(item)
    link.gate.set()
    assert until(lambda: len(link.batches) == 3)
    assert link.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert batcher.flush(5)
    assert link.batches[3:] == [[12, 13, 14]]
    assert closed(batcher)


@pytest.mark.parametrize(("waiting", "waits"), [(3, True), (4, False)], ids=["a quarter", "more"])
def test_a_queue_that_is_more_than_a_quarter_full_waits_for_no_turn(
    *, waiting: int, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(gil_pacing, "time", SimpleNamespace(monotonic=lambda: 1000.0, sleep=pauses.append))
    monkeypatch.setattr(gil_pacing._Schedule, "next_slot", 1000.001)
    link = Link()
    link.gate.clear()
    waited: list[bool] = []

    def send(batch: list[int]) -> None:
        link.send(batch)
        pauses.clear()
        gil_pacing.wait_for_slot()
        waited.append(bool(pauses))

    batcher = ExportQueue("test", send, capacity=12, batch_size=1, interval=0.01)
    batcher.put(0)
    assert until(lambda: link.calls == 1)
    for item in range(waiting):
        batcher.put(item)
    link.gate.set()
    assert until(lambda: len(waited) == waiting + 1)
    assert waited == [waits] + [True] * waiting
    assert closed(batcher)


@pytest.mark.parametrize("ask", [lambda batcher: batcher.flush(5), closed], ids=["flush", "close"])
def test_what_is_asked_for_waits_for_no_turn(
    ask: Callable[[ExportQueue[int]], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gil_pacing._Schedule, "next_slot", time.monotonic() + 60)
    sent: list[int] = []

    def send(batch: list[int]) -> None:
        gil_pacing.wait_for_slot()
        sent.extend(batch)

    batcher = ExportQueue("test", send, batch_size=8, interval=60)
    for item in range(4):
        batcher.put(item)
    assert ask(batcher)
    assert sent == [0, 1, 2, 3]
    assert closed(batcher)


def test_what_fills_no_batch_is_sent_after_an_interval() -> None:
    link = Link()
    batcher = ExportQueue("test", link.send, batch_size=100, interval=0.05)
    batcher.put(1)
    assert until(lambda: link.items == [1])
    batcher.put(2)
    assert until(lambda: link.items == [1, 2])
    assert closed(batcher)


def test_closing_an_unused_queue_starts_no_thread() -> None:
    before = threading.active_count()
    batcher = ExportQueue("test", Link().send)
    assert closed(batcher)
    assert threading.active_count() == before


def test_a_forked_child_starts_empty_and_delivers_its_own() -> None:
    link = Link()
    batcher = ExportQueue("test", link.send, interval=0.01)
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
