"""The sending threads compute by turns, so that a request waits for one stretch of theirs at most."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.telemetry.export import gil_pacing


class Clock:
    """The time, which passes as somebody sleeps or computes."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(gil_pacing, "time", made)
    monkeypatch.setattr(gil_pacing._Schedule, "next_slot", 0.0)
    return made


def _starts(stretches: Iterator[object], clock: Clock) -> Iterator[float]:
    for _ in stretches:
        yield round((clock.now - 1000) * 1000, 3)


def test_a_batch_is_split_into_chunks_in_order(clock: Clock) -> None:
    assert list(gil_pacing.paced_chunks("abcdefgh", 3)) == ["abc", "def", "gh"]
    assert list(gil_pacing.paced_chunks([], 3)) == []
    assert clock.now == pytest.approx(1000.002)


def test_chunks_start_one_millisecond_apart_across_sinks(clock: Clock) -> None:
    one, other = (_starts(gil_pacing.paced_chunks(range(6), 2), clock) for _ in range(2))
    assert [next(each) for each in (one, other, one, other, one, other)] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("busy", "waits_until"), [(0.0003, 1.0), (0.0025, 2.5)], ids=["short", "long"])
def test_the_time_a_chunk_takes_counts_towards_its_slot(clock: Clock, busy: float, waits_until: float) -> None:
    starts = _starts(gil_pacing.paced_chunks("ab", 1), clock)
    next(starts)
    clock.now += busy
    assert next(starts) == waits_until


def test_a_bypassing_thread_neither_waits_nor_uses_a_slot(clock: Clock) -> None:
    behind = [True, True, False, False]
    gil_pacing.bypass_while(lambda: behind.pop(0))
    try:
        assert list(_starts(gil_pacing.paced_chunks(range(4), 1), clock)) == [0, 0, 0, 1]
    finally:
        gil_pacing.bypass_while(lambda: False)
