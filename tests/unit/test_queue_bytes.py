"""`ExportQueue` is bounded in bytes: exact at any time, whatever happens to its items, from any number of threads."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

import pytest

from flask_onetrace.telemetry.export.byte_count import RELATIVE, ByteCount
from flask_onetrace.telemetry.export.errors import BadRequestError, EncodingError, RejectedError, TooLargeError
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.export.size import TOO_LARGE, estimate, size_of
from tests.unit.fake_sink import FakeSink, close, wait_until

OUTCOMES: list[Exception | None] = [
    None,
    ConnectionError("refused"),
    RejectedError("no"),
    BadRequestError("answered 413"),
    EncodingError("cannot"),
    TooLargeError("too long"),
]


@pytest.mark.parametrize("seed", range(30))
def test_bytes_return_to_zero_whatever_becomes_of_the_items(seed: int) -> None:
    draw = random.Random(seed)

    def send(_: list[int]) -> None:
        outcome = draw.choice(OUTCOMES)
        if outcome is not None:
            raise outcome

    queue: ExportQueue[int] = ExportQueue(
        "test",
        send,
        capacity=draw.choice([3, 1_000]),
        max_bytes=draw.choice([500, 100_000]),
        weigh=lambda item: item,
        batch_size=draw.choice([1, 4, 64]),
        batch_bytes=draw.choice([1, 700, 5_000]),
        interval=0.001,
        initial_backoff=0.001,
    )
    put = 0
    for _ in range(100):
        for _ in range(draw.randrange(5)):
            queue.put(draw.randrange(400))
            put += 1
        assert 0 <= queue.queued_bytes <= queue.max_bytes
        if draw.random() < 0.1:
            assert queue.flush(30)
            assert queue.queued_bytes == 0
        if draw.random() < 0.1:
            assert child_sees_an_empty_queue(queue)
    if draw.random() < 0.5:
        assert queue.flush(30)
    close(queue, 30)
    assert (queue.queued_bytes, queue.queued) == (0, 0)
    assert queue.counts.delivered + queue.counts.dropped == put
    queue.put(1)
    assert (queue.queued_bytes, queue.counts.delivered + queue.counts.dropped) == (0, put + 1)


def child_sees_an_empty_queue(queue: ExportQueue[int]) -> bool:
    child = os.fork()
    if child == 0:  # pragma: no cover - the child's coverage is not collected
        try:
            is_empty = (queue.queued_bytes, queue.queued) == (0, 0)
            queue.put(10)
            os._exit(0 if is_empty and queue.queued_bytes in (0, 10) else 1)
        finally:
            os._exit(2)  # the child must never return into pytest
    return os.waitpid(child, 0)[1] == 0


def test_no_addition_is_lost_between_threads() -> None:
    count = ByteCount()
    threads = [threading.Thread(target=lambda: [count.add(7, RELATIVE) for _ in range(50_000)]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert count.total() == 7 * 50_000 * 8


def test_a_queue_drops_what_would_exceed_its_bytes_and_keeps_what_fits() -> None:
    sink = FakeSink()
    sink.gate.clear()
    queue = ExportQueue("test", sink.send, max_bytes=100, weigh=lambda item: item, batch_size=1, interval=0.01)
    queue.put(60)
    assert wait_until(lambda: sink.calls == 1)
    for item in (101, 50, 40, 1):  # too large for any queue, too large for this one, just right, none left
        queue.put(item)
    assert (queue.queued_bytes, queue.counts.dropped_full) == (100, 3)
    sink.gate.set()
    assert queue.flush(5)
    assert sink.items == [60, 40]
    assert close(queue)


def test_a_batch_ends_before_it_exceeds_its_bytes_and_a_large_item_has_one_of_its_own() -> None:
    sink = FakeSink()
    queue = ExportQueue("test", sink.send, weigh=lambda item: item, batch_size=10, batch_bytes=100, interval=60)
    queue.put(1)
    assert queue.flush(5)
    for item in (40, 60, 1, 500, 99, 1):
        queue.put(item)
    assert queue.flush(5)
    assert sink.batches == [[1], [40, 60], [1], [500], [99, 1]]
    assert close(queue)


def test_a_batch_of_full_bytes_is_sent_before_the_interval_is_over() -> None:
    sink = FakeSink()
    queue = ExportQueue("test", sink.send, weigh=lambda item: item, batch_size=10, batch_bytes=100, interval=60)
    for _ in range(3):
        queue.put(40)
    assert wait_until(lambda: sink.batches == [[40, 40]])
    assert close(queue)


@pytest.mark.parametrize("bad", [[3], [0, 511], [7, 8, 300]])
def test_a_sink_that_rejects_a_batch_for_one_item_gets_all_others(bad: list[int]) -> None:
    calls: list[int] = []
    sent: list[int] = []

    def send(batch: list[int]) -> None:
        calls.append(len(batch))
        if set(bad) & set(batch):
            raise BadRequestError("answered 413")
        sent.extend(batch)

    queue = ExportQueue("test", send, batch_size=512, interval=60)
    for item in range(512):
        queue.put(item)
    assert queue.flush(10)
    assert sent == [item for item in range(512) if item not in bad]
    assert queue.counts.dropped_refused == len(bad)
    assert len(calls) <= 2 * 32 + 1
    assert close(queue)


def test_a_sink_that_rejects_everything_gets_a_bounded_number_of_requests() -> None:
    sink = FakeSink(failures=10**6, error=BadRequestError("answered 400"))
    queue = ExportQueue("test", sink.send, batch_size=512, interval=60)
    for item in range(512):
        queue.put(item)
    assert queue.flush(10)
    assert (sink.calls, queue.counts.dropped_refused, queue.counts.dropped) == (65, 512, 512)
    assert close(queue)


def test_batches_that_are_too_long_are_split_without_a_request() -> None:
    sent: list[list[int]] = []

    def send(batch: list[int]) -> None:
        if len(batch) > 2:
            raise TooLargeError("too long")
        sent.append(batch)

    queue = ExportQueue("test", send, batch_size=512, interval=60)
    for item in range(512):
        queue.put(item)
    assert queue.flush(10)
    assert [item for batch in sent for item in batch] == list(range(512))
    assert queue.counts.dropped == 0
    assert close(queue)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("x" * 1_000, 1_000, 1_100),
        (b"x" * 1_000, 1_000, 1_100),
        ({"key": ["x" * 500, {"inner": "y" * 500}]}, 1_000, 1_800),
        (list(range(20_000)), TOO_LARGE, TOO_LARGE),
        (object(), 1, 100),
    ],
)
def test_the_size_of_plain_data_is_estimated(value: object, least: int, most: int) -> None:
    assert least <= estimate(value) <= most


def test_a_cycle_is_counted_once() -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    assert estimate(cycle) < 300


def test_an_items_own_size_wins() -> None:
    class Sized:
        size = 12_345

    assert size_of(Sized()) == 12_345
