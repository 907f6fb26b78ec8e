from __future__ import annotations

import time
from typing import Any

import pytest

from local.smoke_test.backends import Place, describe_items, describe_lines, describe_segments, describe_spans, xray_id
from local.smoke_test.probes import look_everywhere


def span(name: str, start: int, kind: str = "internal") -> dict[str, Any]:
    return {"name": name, "start_ns": start, "kind": kind}


def test_the_same_id_is_written_as_xray_writes_it() -> None:
    assert xray_id("6b038fe39ed49725bcbc5c5dab0d95db") == "1-6b038fe3-9ed49725bcbc5c5dab0d95db"


def test_spans_are_named_from_the_outer_to_the_inner() -> None:
    spans = [span("HomeActivities-MockData", 2), span("GET /api/activities/home", 1, "server")]

    assert describe_spans(spans) == "2 spans: GET /api/activities/home > HomeActivities-MockData"


def test_children_alone_are_not_yet_the_trace() -> None:
    assert describe_spans([span("HomeActivities-MockData", 2)]) is None
    assert describe_spans([]) is None


def test_a_segment_is_named_with_its_status_and_subsegments() -> None:
    segment = {"name": "Backend-Flask", "start_time": 1.0, "http": {"response": {"status": 200}}}

    assert describe_segments([segment]) == "1 segment: Backend-Flask 200"
    nested = segment | {"subsegments": [{"name": "mock"}, {"name": "db"}]}
    assert describe_segments([nested]) == "1 segment: Backend-Flask 200, 2 subsegments: mock, db"
    assert describe_segments([]) is None


def test_the_access_line_speaks_for_the_lines() -> None:
    error, access = '{"message": "boom", "route": "/x"}', '{"method": "GET", "route": "/x", "status": 500}'

    assert describe_lines([error, access]) == "2 lines: GET /x 500"
    assert describe_lines(["plain text"]) == "1 line: plain text"
    assert describe_lines([]) is None


@pytest.mark.parametrize("key", ["trace", "trace_chain"])
def test_an_item_is_named_by_its_exception(key: str) -> None:
    trace: dict[str, Any] = {"exception": {"class": "DeliberateError", "message": "on purpose"}}

    item = {"body": {key: [trace] if key == "trace_chain" else trace}}

    assert describe_items([item]) == "1 item: DeliberateError: on purpose"
    assert describe_items([]) is None


def test_what_arrives_late_is_waited_for_and_what_does_not_arrive_is_bounded() -> None:
    started = time.monotonic()

    def late(_: str) -> str | None:
        return "found" if time.monotonic() - started > 0.3 else None

    late_one, lost = look_everywhere([Place("late", late), Place("lost", lambda _: None)], "0" * 32, seconds=0.8)

    assert (late_one.place, late_one.found) == ("late", "found")
    assert 0.3 <= late_one.seconds < 0.8
    assert (lost.place, lost.found) == ("lost", None)
    assert time.monotonic() - started < 3
