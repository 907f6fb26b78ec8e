"""Exporter threads encode in paced chunks, so that a request waits for at most one chunk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_onetrace.telemetry.export import gil_pacing


class FakeClock:
    """A clock that advances by `sleep`, or by setting `now`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(gil_pacing, "time", fake)
    monkeypatch.setattr(gil_pacing._Schedule, "next_slot", 0.0)
    return fake


def _start_times(chunks: Iterator[object], clock: FakeClock) -> Iterator[float]:
    for _ in chunks:
        yield round((clock.now - 1000) * 1000, 3)


def test_a_batch_is_split_into_chunks_in_order(clock: FakeClock) -> None:
    assert list(gil_pacing.paced_chunks("abcdefgh", 3)) == ["abc", "def", "gh"]
    assert list(gil_pacing.paced_chunks([], 3)) == []
    assert clock.now == pytest.approx(1000.002)


def test_chunks_start_one_millisecond_apart_across_sinks(clock: FakeClock) -> None:
    first, second = (_start_times(gil_pacing.paced_chunks(range(6), 2), clock) for _ in range(2))
    assert [next(each) for each in (first, second, first, second, first, second)] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("busy", "next_start"), [(0.0003, 1.0), (0.0025, 2.5)], ids=["short", "long"])
def test_the_time_a_chunk_takes_counts_towards_its_slot(clock: FakeClock, busy: float, next_start: float) -> None:
    starts = _start_times(gil_pacing.paced_chunks("ab", 1), clock)
    next(starts)
    clock.now += busy
    assert next(starts) == next_start


def test_a_bypassing_thread_neither_waits_nor_uses_a_slot(clock: FakeClock) -> None:
    behind = [True, True, False, False]
    gil_pacing.bypass_while(lambda: behind.pop(0))
    try:
        assert list(_start_times(gil_pacing.paced_chunks(range(4), 1), clock)) == [0, 0, 0, 1]
    finally:
        gil_pacing.bypass_while(lambda: False)
