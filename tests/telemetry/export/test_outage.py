"""A sink that accepts nothing is reported while its items still wait in the queue."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from flask_onetrace.telemetry.export import outage, stderr
from flask_onetrace.telemetry.export.outage import OutageReport
from flask_onetrace.telemetry.export.retry import RetryingSender


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(outage, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_an_outage_is_logged_once_it_lasts_then_every_ten_minutes_and_at_its_end(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    report = OutageReport("Honeycomb")

    for second in (1000.0, 1002.9, 1003.0, 1004.0, 1602.9, 1603.0):
        clock[0] = second
        report.failed(second, "ConnectionError: no address")
    report.ended()
    report.ended()

    assert [each.getMessage() for each in caplog.records] == [
        "Honeycomb has accepted nothing for 3 s, retrying: ConnectionError: no address",
        "Honeycomb has accepted nothing for 603 s, retrying: ConnectionError: no address",
        "Honeycomb responds again",
    ]


def test_a_short_failure_is_not_logged(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    report = OutageReport("Honeycomb")

    for _ in range(3):
        report.failed(clock[0], "TimeoutError")
        clock[0] += 2.0
        report.ended()

    assert caplog.records == []


def test_an_attempt_that_hangs_counts_from_its_beginning(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    clock[0] += 10.0

    OutageReport("Honeycomb").failed(1000.0, "TimeoutError")

    assert [each.getMessage() for each in caplog.records] == [
        "Honeycomb has accepted nothing for 10 s, retrying: TimeoutError"
    ]


def test_the_sink_of_the_log_lines_reports_on_standard_error_without_secrets(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(stderr, "write", written.append)
    report = OutageReport("CloudWatch Logs", redact_line=lambda line: line.replace("hunter2", "[redacted]"))

    clock[0] += 10.0
    report.failed(1000.0, "ConnectionError: hunter2")

    assert written == [
        b'{"message":"CloudWatch Logs has accepted nothing for 10 s, retrying: ConnectionError: [redacted]"}\n'
    ]


def test_a_sender_reports_what_it_retries(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(outage, "REPORT_SECONDS", 0.0)
    errors = [ConnectionError("no address"), ConnectionError("no address"), None]

    def send(_batch: list[str]) -> None:
        if error := errors.pop(0):
            raise error

    sender = RetryingSender[str](
        "Honeycomb", send, probe_interval=1, initial_backoff=0.01, redact_line=None, drop_metric=None
    )
    sender.deliver(["span"])

    assert sender.counts.delivered == 1
    assert [each.getMessage() for each in caplog.records] == [
        "Honeycomb has accepted nothing for 0 s, retrying: ConnectionError: no address",
        "Honeycomb responds again",
    ]
