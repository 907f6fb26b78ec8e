"""What CloudWatch Logs refuses of a request is cut before, counted and reported; nothing else is lost with it."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from flask import Flask

from tests.telemetry.backends import FakeBackends, FakeLogGroup
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import flush, telemetry_of

HOUR = 3600.0
DAY_MS = 24 * 60 * 60 * 1000


class StrictLogGroup(FakeLogGroup):
    """Refuse requests that CloudWatch Logs refuses, and note which events of others are rejected."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[list[int]] = []
        self.rejected: dict[str, int] = {}

    def put(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        times = [event["timestamp"] for event in body["logEvents"]]
        if times != sorted(times) or times[-1] - times[0] >= DAY_MS:
            return {"__type": "InvalidParameterException", "message": "Log events in a single request"}, 400
        self.requests.append(times)
        self.lines += [json.loads(event["message"]) for event in body["logEvents"]]
        rejected, self.rejected = self.rejected, {}
        return ({"rejectedLogEventsInfo": rejected} if rejected else {}), 200


@pytest.fixture
def log_group(backends: FakeBackends, monkeypatch: pytest.MonkeyPatch) -> StrictLogGroup:
    group = StrictLogGroup()
    monkeypatch.setattr(backends.logs, "put", group.put)
    return group


@pytest.fixture
def cloudwatch_app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    return make_app({**backends.cloudwatch, "LOG_CONSOLE": "false"})


def log_at(app: Flask, created: object, message: str) -> None:
    record = logging.makeLogRecord({"msg": message, "created": created, "name": "shop"})
    handler = telemetry_of(app).sink("cloudwatch").log_handler
    assert handler is not None
    handler.handle(record)


def test_lines_more_than_a_day_apart_are_sent_in_requests_of_their_own(
    cloudwatch_app: Flask, log_group: StrictLogGroup
) -> None:
    now = time.time()
    for hours in (0, -25, -1, -50, -24, -23.9, -49):
        log_at(cloudwatch_app, now + hours * HOUR, f"{hours} h")
    flush(cloudwatch_app)
    assert [len(times) for times in log_group.requests] == [2, 3, 2]
    assert sorted(line["message"] for line in log_group.lines) == sorted(
        ["0 h", "-25 h", "-1 h", "-50 h", "-24 h", "-23.9 h", "-49 h"]
    )
    detail = telemetry_of(cloudwatch_app).sink("cloudwatch").detail()
    assert (detail["delivered"], detail["dropped"]["refused"]) == (7, 0)


@pytest.mark.parametrize("created", [None, "soon", float("nan"), float("inf"), -1.0, 1e18, 10**400, [1]])
def test_a_line_whose_time_is_none_is_sent_with_the_present_one(
    created: object, cloudwatch_app: Flask, log_group: StrictLogGroup
) -> None:
    log_at(cloudwatch_app, created, "odd")
    log_at(cloudwatch_app, time.time(), "good")
    flush(cloudwatch_app)
    assert sorted(line["message"] for line in log_group.lines) == ["good", "odd"]
    [times] = log_group.requests
    assert abs(times[0] / 1000 - time.time()) < 60


@pytest.mark.parametrize(
    ("rejected", "count"),
    [
        ({"tooOldLogEventEndIndex": 2}, 2),
        ({"expiredLogEventEndIndex": 1, "tooOldLogEventEndIndex": 2}, 2),
        ({"tooNewLogEventStartIndex": 3}, 1),
        ({"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}, 3),
        ({"tooOldLogEventEndIndex": 99}, 4),
        ({"tooOldLogEventEndIndex": "a"}, 0),
    ],
)
def test_lines_that_an_accepted_request_rejects_are_counted_and_reported(
    rejected: dict[str, Any],
    count: int,
    cloudwatch_app: Flask,
    log_group: StrictLogGroup,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log_group.rejected = rejected
    for number in range(4):
        log_at(cloudwatch_app, time.time() + number, str(number))
    flush(cloudwatch_app)
    flush(cloudwatch_app)  # the report itself
    detail = telemetry_of(cloudwatch_app).sink("cloudwatch").detail()
    assert (detail["delivered"], detail["dropped"]["refused"]) == (4 - count + bool(count), count)
    reports = [each.getMessage() for each in caplog.records if "telemetry items dropped" in each.getMessage()]
    assert len(reports) == bool(count)
    assert all("CloudWatch Logs rejected lines" in report for report in reports)


@pytest.mark.parametrize("status", [400, 403])
def test_an_expired_token_is_renewed_and_the_lines_are_sent_again(
    status: int, cloudwatch_app: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, answers = backends.logs.put, [({"__type": "ExpiredTokenException", "message": "expired"}, status)]
    monkeypatch.setattr(backends.logs, "put", lambda body: answers.pop() if answers else accept(body))
    log_at(cloudwatch_app, time.time(), "kept")
    flush(cloudwatch_app)
    assert [line["message"] for line in backends.logs.lines] == ["kept"]
    detail = telemetry_of(cloudwatch_app).sink("cloudwatch").detail()
    assert (detail["delivered"], detail["dropped"]["refused"]) == (1, 0)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (
            403,
            "AccessDeniedException",
            "allow the task role logs:PutLogEvents and logs:CreateLogStream on the log group",
        ),
        (400, "UnrecognizedClientException", "check its credentials"),
        (400, "InvalidParameterException", "400 InvalidParameterException"),
    ],
)
def test_why_cloudwatch_refuses_lines_is_in_the_containers_output(  # noqa: PLR0917 - a column each
    status: int,
    code: str,
    reason: str,
    make_app: AppFactory,
    backends: FakeBackends,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = make_app({**backends.cloudwatch, "LOG_CONSOLE": "false"})
    monkeypatch.setattr(backends.logs, "put", lambda _: ({"__type": code, "message": "no"}, status))
    log_at(app, time.time(), "lost")
    flush(app)
    line = dropped_lines(capsys)[0]
    count = line["Dropped"]
    assert line["message"].startswith(f"cloudwatch: {count} telemetry items dropped, {count} since start: ")
    assert reason in line["message"]


def test_the_reason_in_the_containers_output_has_no_secret(
    make_app: AppFactory, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "AccessDeniedException"
    app = make_app({**backends.environment, "LOG_CONSOLE": "false", "ROLLBAR_ACCESS_TOKEN": secret})
    monkeypatch.setattr(backends.logs, "put", lambda _: ({"__type": secret, "message": "no"}, 403))
    log_at(app, time.time(), "lost")
    flush(app)
    message = dropped_lines(capsys)[0]["message"]
    assert "allow the task role" in message
    assert secret not in message


def dropped_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    printed = capsys.readouterr().err.splitlines()
    return [json.loads(each) for each in printed if "telemetry items dropped" in each]
