from __future__ import annotations

import json

import pytest

from flask_onetrace.contract import ACCESS_LOGGER
from local.logs.filtering import MAX_PENDING, PENDING_SECONDS, RequestFilter
from local.logs.lines import parse
from local.logs.tails import Entry
from operations.traces.filters import parse_filter

GOOD, FAILED = "a" * 32, "b" * 32


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def message(trace_id: str, text: str, **fields: object) -> str:
    return json.dumps({"timestamp": "2026-05-04T03:02:01+00:00", "trace_id": trace_id, "message": text, **fields})


def access(trace_id: str, status: int, **fields: object) -> str:
    request = {"logger": ACCESS_LOGGER, "method": "GET", "route": "/orders", "path": "/orders", "status": status}
    return message(trace_id, f"GET /orders {status}", **request, duration_ms=5.0, **fields)


LINES = [
    message(GOOD, "reading"),
    message(FAILED, "reading too"),
    message(FAILED, "failed", exception="Traceback\nKeyError: 7", level="ERROR"),
    access(GOOD, 200, user_id="andrew"),
    access(FAILED, 500),
    "a line of the server",
]


def passed(terms: str, lines: list[str] = LINES, clock: Clock | None = None) -> list[str]:
    requests = RequestFilter(parse_filter(terms), lambda: 1_777_863_721.0, clock or Clock())
    return [each.message for line in lines for each in requests.passed(parse(Entry(None, line)))]


FAILED_LINES = ["reading too", "failed", "GET /orders 500"]
GOOD_LINES = ["reading", "GET /orders 200"]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("status:5xx", FAILED_LINES),
        ("status:200 user:andrew", GOOD_LINES),
        ("route:/ord* -status:500", GOOD_LINES),
        (f"trace:{FAILED}", FAILED_LINES),
        (f"trace:1-{'b' * 8}-{'b' * 24}", FAILED_LINES),
        ("KeyError", FAILED_LINES),
        ("server", ["a line of the server"]),
        ("duration:>1s", []),
        ("status:5xx user:andrew", []),
    ],
)
def test_all_lines_of_a_matching_request_pass_and_none_of_another(terms: str, expected: list[str]) -> None:
    assert passed(terms) == expected


def test_a_line_after_the_access_line_of_a_match_passes_too() -> None:
    assert passed("status:5xx", [*LINES, message(FAILED, "closed")])[-1] == "closed"


def test_a_request_whose_access_line_does_not_come_is_decided_by_what_it_has() -> None:
    clock = Clock()
    requests = RequestFilter(parse_filter("job"), clock, clock)
    assert list(requests.passed(parse(Entry(None, message(GOOD, "job started"))))) == []
    assert list(requests.overdue()) == []
    clock.seconds = PENDING_SECONDS
    assert [each.message for each in requests.overdue()] == ["job started"]
    assert [each.message for each in requests.passed(parse(Entry(None, message(GOOD, "job ended"))))] == ["job ended"]


def test_what_is_held_is_bounded() -> None:
    requests = RequestFilter(parse_filter("nothing"))
    for number in range(2 * MAX_PENDING):
        assert list(requests.passed(parse(Entry(None, message(f"{number:032x}", "x"))))) == []
    assert len(list(requests._pending)) == MAX_PENDING
