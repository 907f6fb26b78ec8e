from __future__ import annotations

from typing import Any

from local.console.sinks.history import MAX_READINGS, MAX_WORKERS, SECONDS, History

START = 1_000_000.0


def detail(worker: int = 7, *, delivered: int = 0, dropped: int = 0, on: bool = True) -> dict[str, Any]:
    sink = {"on": on, "queued": 3, "queued_bytes": 100, "delivered": delivered, "dropped": {"full": dropped}}
    return {"worker": worker, "version": "1", "sinks": {"xray": sink}, "threads": {"threads_busy": 2}}


def ids(history: History) -> list[str]:
    _, workers = history.since(0)
    return [each["id"] for each in workers]


def test_a_reading_has_the_figures_of_each_sink_that_is_on() -> None:
    history = History()
    history.add("127.0.0.1:1", detail(delivered=5, dropped=1), START)
    history.add("127.0.0.1:1", detail(8, on=False), START + 1)

    readings, _ = history.since(0)

    assert readings == [
        {"at": START, "worker": "127.0.0.1:1/7", "sinks": {"xray": [3, 100, 5, 1]}, "threads_busy": 2},
        {"at": START + 1, "worker": "127.0.0.1:1/8", "sinks": {}, "threads_busy": 2},
    ]


def test_readings_are_those_after_a_time() -> None:
    history = History()
    history.add("a", detail(), START)
    history.fail("a", "refuses connections", START + 2)

    readings, _ = history.since(START)

    assert readings == [{"at": START + 2, "address": "a", "reason": "refuses connections"}]


def test_a_process_with_lower_counts_is_another_worker_with_the_same_id() -> None:
    history = History()
    history.add("a", detail(delivered=5), START)
    history.add("a", detail(delivered=9), START + 2)
    history.add("a", detail(delivered=1), START + 4)
    history.add("a", detail(delivered=2), START + 6)
    history.add("a", detail(delivered=0), START + 8)

    assert ids(history) == ["a/7", "a/7#1", "a/7#2"]


def test_a_sink_that_is_gone_is_a_reset_as_well() -> None:
    history = History()
    history.add("a", detail(delivered=5), START)
    history.add("a", {**detail(), "sinks": {}}, START + 2)

    assert ids(history) == ["a/7", "a/7#1"]


def test_workers_that_answer_in_turn_are_told_apart_and_the_newest_is_last() -> None:
    history = History()
    for second, worker in enumerate((7, 8, 7)):
        history.add("a", detail(worker, delivered=second), START + second)

    assert ids(history) == ["a/8", "a/7"]


def test_what_is_older_than_the_window_is_forgotten() -> None:
    history = History()
    history.add("a", detail(7), START)
    history.add("b", detail(8), START + SECONDS + 1)

    readings, _ = history.since(0)

    assert [each["worker"] for each in readings] == ["b/8"]
    assert ids(history) == ["b/8"]


def test_readings_and_workers_are_bounded() -> None:
    history = History()
    for worker in range(MAX_READINGS + 10):
        history.add("a", detail(worker), START + worker / 1000)

    readings, workers = history.since(0)

    assert (len(readings), len(workers)) == (MAX_READINGS, MAX_WORKERS)
