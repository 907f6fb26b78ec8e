"""A batch is retried until it is delivered, or is dropped, counted and reported."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest

from flask_onetrace.telemetry.config import DropMetric
from flask_onetrace.telemetry.export import retry
from flask_onetrace.telemetry.export.errors import (
    PartialSuccessError,
    RejectedError,
    RetryAfterError,
    ServerError,
    SplitError,
    UnauthorizedError,
    encoding,
)
from flask_onetrace.telemetry.export.queue import ExportQueue
from tests.unit.fake_sink import FakeSink, close, wait_until

METRIC = DropMetric(namespace="Telemetry", name="Dropped", dimension="sink")


def test_a_failed_batch_is_retried() -> None:
    sink = FakeSink(failures=2)
    queue = ExportQueue("test", sink.send)
    queue.put(1)
    assert queue.flush(5)
    assert sink.items == [1]
    assert sink.calls == 3
    assert close(queue)


def test_only_the_item_that_cannot_be_encoded_is_dropped_and_counted() -> None:
    sent: list[int] = []

    def send(batch: list[int]) -> None:
        with encoding():
            encoded = [100 // item for item in batch]
        sent.extend(encoded)

    queue = ExportQueue("test", send, batch_size=8)
    for item in (1, 2, 0, 4, 5, 10, 0, 20):
        queue.put(item)
    assert queue.flush(5)
    assert sent == [100, 50, 25, 20, 10, 5]
    assert (queue.counts.delivered, queue.counts.dropped_refused, queue.counts.dropped) == (6, 2, 2)
    assert close(queue)


def test_an_outage_loses_nothing_that_fits_in_the_queue() -> None:
    sink = FakeSink(failures=5)
    queue = ExportQueue("test", sink.send, batch_size=2, interval=0.01, initial_backoff=0.01)
    for item in range(6):
        queue.put(item)
    assert queue.flush(20)
    assert (sink.items, queue.counts.dropped) == (list(range(6)), 0)
    assert close(queue)


def test_rejected_batches_are_dropped_and_reported_once_per_interval_as_a_metric(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = FakeSink(failures=99, error=RejectedError("answered 400: check the endpoint"))
    queue = ExportQueue("test", sink.send, batch_size=1, interval=60, drop_metric=METRIC)
    with caplog.at_level(logging.WARNING):
        queue.put(1)
        queue.put(2)
        assert queue.flush(5)
        queue.put(3)
        assert queue.flush(5)
    assert (sink.calls, queue.counts.dropped_refused) == (3, 3)
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
    assert close(queue)
    assert [record.getMessage() for record in caplog.records] == [
        "test: 1 telemetry items dropped, 3 since start: answered 400: check the endpoint"
    ]


def test_what_the_log_sink_drops_is_reported_on_standard_error_with_the_reason(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = FakeSink(failures=99, error=RejectedError("answered 400: check the endpoint"))
    queue = ExportQueue("test", sink.send, batch_size=1, interval=60, redact_line=str, drop_metric=METRIC)
    with caplog.at_level(logging.WARNING):
        queue.put(1)
        assert close(queue)
    [record] = caplog.records
    assert vars(record)["fields"] == {"sink": "test", "Dropped": 1}, (
        "the log line must not count the drop a second time"
    )
    [line] = capsys.readouterr().err.splitlines()
    metric = json.loads(line)
    assert abs(metric["_aws"].pop("Timestamp") / 1000 - time.time()) < 60
    assert metric == {
        "message": "test: 1 telemetry items dropped, 1 since start: answered 400: check the endpoint",
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


def test_a_closed_standard_error_does_not_break_the_drop_report(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_stream = io.StringIO()
    closed_stream.close()
    monkeypatch.setattr("sys.stderr", closed_stream)
    queue = ExportQueue("test", FakeSink(failures=1, error=RejectedError("no")).send, interval=60, redact_line=str)
    with caplog.at_level(logging.WARNING):
        queue.put(1)
        assert close(queue)
    [record] = caplog.records
    assert record.getMessage() == "test: 1 telemetry items dropped, 1 since start: no"


def test_rejected_credentials_are_logged_once_and_suspend_the_export_until_a_probe_succeeds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = FakeSink(failures=2, error=UnauthorizedError("answered 401: check THE_KEY"))
    queue = ExportQueue("test", sink.send, batch_size=1, interval=0.01, probe_interval=0.2)
    with caplog.at_level(logging.WARNING):
        for item in range(3):
            queue.put(item)
        assert wait_until(lambda: queue.unauthorized_reason is not None and not queue.queued)
        assert (queue.unauthorized_reason, sink.calls) == ("answered 401: check THE_KEY", 1)
        count = 3
        while queue.unauthorized_reason is not None:
            queue.put(count)
            count += 1
            time.sleep(0.005)
        assert queue.flush(5)
    assert sink.calls == 2 + len(sink.items)
    assert queue.counts.delivered == len(sink.items)
    assert queue.counts.delivered + queue.counts.dropped_refused == count
    messages = [record.getMessage() for record in caplog.records if record.name == retry.__name__]
    assert messages == [
        "test rejected our credentials; export suspended, retrying every 0 s: answered 401: check THE_KEY",
        "test accepted our credentials; export resumed",
    ]
    assert close(queue)


def test_retry_after_is_respected() -> None:
    sink = FakeSink(failures=1, error=RetryAfterError("answered 429", 0.6))
    queue = ExportQueue("test", sink.send, interval=0.01)
    start = time.monotonic()
    queue.put(1)
    assert queue.flush(10)
    assert time.monotonic() - start >= 0.6
    assert sink.items == [1]
    assert close(queue)


def test_close_during_an_outage_retries_briefly_and_counts_the_rest_as_dropped() -> None:
    sink = FakeSink(failures=10_000)
    queue = ExportQueue("test", sink.send, batch_size=1, interval=0.01)
    for item in range(100):
        queue.put(item)
    assert not close(queue, 10)
    assert sink.calls < 10
    assert queue.counts.dropped_failed == 100


def test_close_gives_up_at_its_deadline_and_counts_the_rest_as_dropped() -> None:
    sink = FakeSink()
    sink.gate.clear()
    queue = ExportQueue("test", sink.send, batch_size=1)
    for item in range(3):
        queue.put(item)
    start = time.monotonic()
    assert not close(queue, 0.3)
    assert time.monotonic() - start < 5  # not until the sink responds, after 10 s
    assert queue.counts.dropped_failed >= 2
    sink.gate.set()


def test_without_a_metric_the_line_has_no_fields(caplog: pytest.LogCaptureFixture) -> None:
    queue = ExportQueue("test", FakeSink(failures=1, error=RejectedError("no")).send, interval=60)
    queue.put(1)
    assert close(queue)
    [record] = caplog.records
    assert vars(record)["fields"] == {}
    assert record.getMessage() == "test: 1 telemetry items dropped, 1 since start: no"


def test_a_batch_at_which_the_sink_always_fails_costs_the_one_item_alone_and_stops_nothing() -> None:
    sent: list[int] = []

    def send(batch: list[int]) -> None:
        if 3 in batch:
            raise ServerError("answered 500")
        sent.extend(batch)

    queue = ExportQueue("test", send, batch_size=8, initial_backoff=0.001)
    for item in range(16):
        queue.put(item)
    assert queue.flush(10)
    assert sorted(sent) == [0, 1, 2, *range(4, 16)]
    assert (queue.counts.delivered, queue.counts.dropped_refused, queue.counts.dropped) == (15, 1, 1)
    assert close(queue)


def test_a_sink_that_fails_for_a_while_loses_nothing() -> None:
    sink = FakeSink(failures=retry._MAX_SERVER_ERRORS, error=ServerError("answered 500"))
    queue = ExportQueue("test", sink.send, initial_backoff=0.001)
    queue.put(1)
    assert queue.flush(10)
    assert (sink.items, queue.counts.dropped) == ([1], 0)
    assert close(queue)


def test_a_sink_that_fails_at_everything_gets_a_bounded_number_of_requests_a_batch() -> None:
    sink = FakeSink(failures=10_000, error=ServerError("answered 500"))
    queue = ExportQueue("test", sink.send, batch_size=512, initial_backoff=0.001)
    for item in range(512):
        queue.put(item)
    assert queue.flush(10)
    assert sink.calls <= 1 + retry._MAX_SERVER_ERRORS + 2 * retry._MAX_SPLITS
    assert (queue.counts.delivered, queue.counts.dropped_refused) == (0, 512)
    assert queue.last_error == f"answered 500 after {retry._MAX_SERVER_ERRORS} retries"
    assert close(queue)


def test_the_items_that_a_sink_rejects_of_a_batch_it_accepts_are_counted() -> None:
    sink = FakeSink(failures=1, error=PartialSuccessError(2, "2 lines are too old"))
    queue = ExportQueue("test", sink.send, batch_size=8)
    for item in range(8):
        queue.put(item)
    assert queue.flush(5)
    assert (sink.calls, queue.counts.delivered, queue.counts.dropped_refused) == (1, 6, 2)
    assert close(queue)


def test_a_batch_that_must_be_split_is_sent_in_its_parts() -> None:
    sink = FakeSink(failures=1, error=SplitError([[1, 3], [2]]))
    queue = ExportQueue("test", sink.send, batch_size=3)
    for item in (1, 2, 3):
        queue.put(item)
    assert queue.flush(5)
    assert (sink.batches, queue.counts.delivered, queue.counts.dropped) == ([[1, 3], [2]], 3, 0)
    assert close(queue)
