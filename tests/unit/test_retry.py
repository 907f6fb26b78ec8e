"""A batch is sent until its sink has it, or is dropped, counted and said: whatever the sink answers, and at exit."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest

from service.telemetry.export import retry
from service.telemetry.export.errors import RejectedError, RetryAfterError, UnauthorizedError, encoding
from service.telemetry.export.queue import ExportQueue
from tests.unit.fake_sink import Link, closed, until


def test_a_batch_that_fails_is_sent_again() -> None:
    link = Link(failures=2)
    batcher = ExportQueue("test", link.send)
    batcher.put(1)
    assert batcher.flush(5)
    assert link.items == [1]
    assert link.calls == 3
    assert closed(batcher)


def test_an_item_that_cannot_be_written_is_dropped_and_counted_alone() -> None:
    sent: list[int] = []

    def send(batch: list[int]) -> None:
        with encoding():
            made = [100 // item for item in batch]
        sent.extend(made)

    batcher = ExportQueue("test", send, batch_size=8)
    for item in (1, 2, 0, 4, 5, 10, 0, 20):
        batcher.put(item)
    assert batcher.flush(5)
    assert sent == [100, 50, 25, 20, 10, 5]
    assert (batcher.counts.delivered, batcher.counts.dropped_refused, batcher.counts.dropped) == (6, 2, 2)
    assert closed(batcher)


def test_an_outage_longer_than_any_retry_loses_nothing_that_fits_in_the_queue() -> None:
    link = Link(failures=5)
    batcher = ExportQueue("test", link.send, batch_size=2, interval=0.01, initial_backoff=0.01)
    for item in range(6):
        batcher.put(item)
    assert batcher.flush(20)
    assert (link.items, batcher.counts.dropped) == (list(range(6)), 0)
    assert closed(batcher)


def test_a_batch_refused_for_good_is_dropped_counted_and_said_once_as_a_metric(
    caplog: pytest.LogCaptureFixture,
) -> None:
    link = Link(failures=99, error=RejectedError("answered 400: check the endpoint"))
    batcher = ExportQueue("test", link.send, batch_size=1, interval=60)
    with caplog.at_level(logging.WARNING):
        batcher.put(1)
        batcher.put(2)
        assert batcher.flush(5)
        batcher.put(3)
        assert batcher.flush(5)
    assert (link.calls, batcher.counts.dropped_refused) == (3, 3)
    [record] = caplog.records
    assert record.getMessage() == ("test: 2 telemetry items dropped, 2 since start: answered 400: check the endpoint")
    fields = vars(record)["fields"]
    assert (fields["sink"], fields["Dropped"]) == ("test", 2)
    [directive] = fields["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Telemetry",
        "Dimensions": [["sink"], []],
        "Metrics": [{"Name": "Dropped", "Unit": "Count"}],
    }
    caplog.clear()
    assert closed(batcher)
    assert [record.getMessage() for record in caplog.records] == [
        "test: 1 telemetry items dropped, 3 since start: answered 400: check the endpoint"
    ]


def test_what_the_sink_of_the_log_lines_drops_is_measured_outside_of_it(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    link = Link(failures=99, error=RejectedError("answered 400: check the endpoint"))
    batcher = ExportQueue("test", link.send, batch_size=1, interval=60, carries_logs=True)
    with caplog.at_level(logging.WARNING):
        batcher.put(1)
        assert closed(batcher)
    [record] = caplog.records
    assert vars(record)["fields"] == {"sink": "test", "Dropped": 1}, "the line, should it arrive, is not counted again"
    [line] = capsys.readouterr().err.splitlines()
    written = json.loads(line)
    assert abs(written["_aws"].pop("Timestamp") / 1000 - time.time()) < 60
    assert written == {
        "sink": "test",
        "Dropped": 1,
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "Telemetry",
                    "Dimensions": [["sink"], []],
                    "Metrics": [{"Name": "Dropped", "Unit": "Count"}],
                }
            ]
        },
    }


def test_a_closed_standard_error_costs_the_drop_report_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = io.StringIO()
    nowhere.close()
    monkeypatch.setattr("sys.stderr", nowhere)
    batcher = ExportQueue("test", Link(failures=1, error=RejectedError("no")).send, interval=60, carries_logs=True)
    with caplog.at_level(logging.WARNING):
        batcher.put(1)
        assert closed(batcher)
    [record] = caplog.records
    assert record.getMessage() == "test: 1 telemetry items dropped, 1 since start: no"


def test_a_wrong_key_is_said_once_and_the_sink_told_nothing_more_until_a_probe_is_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    link = Link(failures=2, error=UnauthorizedError("answered 401: check THE_KEY"))
    batcher = ExportQueue("test", link.send, batch_size=1, interval=0.01, probe_interval=0.2)
    with caplog.at_level(logging.WARNING):
        for item in range(3):
            batcher.put(item)
        assert until(lambda: batcher.unauthorized_reason is not None and not batcher.queued)
        assert (batcher.unauthorized_reason, link.calls) == ("answered 401: check THE_KEY", 1)
        given = 3
        while batcher.unauthorized_reason is not None:
            batcher.put(given)
            given += 1
            time.sleep(0.005)
        assert batcher.flush(5)
    assert link.calls == 2 + len(link.items)
    assert batcher.counts.delivered == len(link.items)
    assert batcher.counts.delivered + batcher.counts.dropped_refused == given
    said = [record.getMessage() for record in caplog.records if record.name == retry.__name__]
    assert said == [
        "test rejected our credentials; export suspended, retrying every 0 s: answered 401: check THE_KEY",
        "test accepted our credentials; export resumed",
    ]
    assert closed(batcher)


def test_a_sink_that_asks_to_be_left_alone_is_left_alone_for_so_long() -> None:
    link = Link(failures=1, error=RetryAfterError("answered 429", 0.6))
    batcher = ExportQueue("test", link.send, interval=0.01)
    begun = time.monotonic()
    batcher.put(1)
    assert batcher.flush(10)
    assert time.monotonic() - begun >= 0.6
    assert link.items == [1]
    assert closed(batcher)


def test_closing_while_the_sink_is_away_tries_a_little_longer_and_counts_what_is_left() -> None:
    link = Link(failures=10_000)
    batcher = ExportQueue("test", link.send, batch_size=1, interval=0.01)
    for item in range(100):
        batcher.put(item)
    assert not closed(batcher, 10)
    assert link.calls < 10
    assert batcher.counts.dropped_failed == 100


def test_closing_gives_up_at_its_deadline_and_counts_the_rest() -> None:
    link = Link()
    link.gate.clear()
    batcher = ExportQueue("test", link.send, batch_size=1)
    for item in range(3):
        batcher.put(item)
    begun = time.monotonic()
    assert not closed(batcher, 0.3)
    assert time.monotonic() - begun < 2
    assert batcher.counts.dropped_failed >= 2
    link.gate.set()
