from __future__ import annotations

from threading import Event

import pytest
import requests

from local.service import runner
from local.service.runner import HealthCheck, lasting_remedy, ready_seconds
from operations.errors import OperatorError


@pytest.mark.parametrize(("environ", "seconds"), [({}, 30), ({"LOCAL_READY_SECONDS": " 120 "}, 120)])
def test_the_start_may_take_30_seconds_or_what_the_variable_says(environ: dict[str, str], seconds: int) -> None:
    assert ready_seconds(environ) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "3601", "1e3", "soon", "٣"])
def test_another_text_is_refused_with_the_numbers_that_can_be_set(text: str) -> None:
    with pytest.raises(OperatorError, match=f"LOCAL_READY_SECONDS='{text}' is not a number of seconds. Set it to"):
        ready_seconds({"LOCAL_READY_SECONDS": text})


def response(status: int, location: str = "") -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer.headers["Location"] = location
    return answer


def test_a_failing_health_check_is_polled_more_and_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    responses = [None, None, *(response(500) for _ in range(6)), response(200)]
    monkeypatch.setattr(runner, "response_of", lambda *_: responses.pop(0))
    check, intervals = HealthCheck("http://127.0.0.1:1/"), []
    while not check.settled():
        intervals.append(check.interval)

    assert intervals == [0.05, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_health_check_that_is_not_answered_yet_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, sent = Event(), []

    def answer(url: str, _seconds: float) -> requests.Response:
        sent.append(url)
        loaded.wait(30)
        return response(200)

    monkeypatch.setattr(runner, "response_of", answer)
    monkeypatch.setattr(runner, "READINESS_TIMEOUT_SECONDS", 0.01)
    check = HealthCheck("http://127.0.0.1:1/")
    assert [check.settled() for _ in range(3)] == [False] * 3
    loaded.set()
    monkeypatch.setattr(runner, "READINESS_TIMEOUT_SECONDS", 30)

    assert check.settled()
    assert sent == ["http://127.0.0.1:1/"]


@pytest.mark.parametrize(
    ("status", "location", "remedy"),
    [
        (308, "http://127.0.0.1:1/healthz/", 'Set health_check_path = "/healthz/"'),
        (302, "/login?next=/healthz/", runner.OPEN_PATH),
        (401, "", runner.OPEN_PATH),
        (404, "", runner.NO_ROUTE),
    ],
)
def test_the_remedy_of_a_health_check_that_waiting_does_not_change(status: int, location: str, remedy: str) -> None:
    assert lasting_remedy("/healthz", response(status, location)) == remedy


@pytest.mark.parametrize(
    ("status", "exception", "waiting"),
    [
        (500, ["Traceback", "KeyError: 'x'"], "useless"),
        (500, ["psycopg.OperationalError: connection failed: Connection refused"], "useful"),
        (500, [], "useless"),
        (503, [], "useful"),
    ],
)
def test_only_a_cause_that_may_pass_is_worth_waiting_for(status: int, exception: list[str], waiting: str) -> None:
    assert runner._may_pass(response(status), exception) is (waiting == "useful")
