from __future__ import annotations

from typing import Any

import pytest

from local.smoke_test.summaries import summarize_items, summarize_log_lines, summarize_segments, summarize_spans


def span(name: str, start: int, kind: str = "internal") -> dict[str, Any]:
    return {"name": name, "start_ns": start, "kind": kind}


def test_spans_are_listed_in_start_order() -> None:
    spans = [span("HomeActivities-MockData", 2), span("GET /api/activities/home", 1, "server")]

    assert summarize_spans(spans) == "2 spans: GET /api/activities/home > HomeActivities-MockData"


def test_without_the_server_span_there_is_no_summary() -> None:
    assert summarize_spans([span("HomeActivities-MockData", 2)]) is None
    assert summarize_spans([]) is None


def test_a_segment_is_summarized_by_name_status_and_subsegments() -> None:
    segment = {"name": "Backend-Flask", "start_time": 1.0, "http": {"response": {"status": 200}}}

    assert summarize_segments([segment]) == "1 segment: Backend-Flask 200"
    nested = segment | {"subsegments": [{"name": "mock"}, {"name": "db"}]}
    assert summarize_segments([nested]) == "1 segment: Backend-Flask 200, 2 subsegments: mock, db"
    assert summarize_segments([]) is None


def test_log_lines_are_summarized_by_the_access_line() -> None:
    error, access = '{"message": "boom", "route": "/x"}', '{"method": "GET", "route": "/x", "status": 500}'

    assert summarize_log_lines([error, access]) == "2 lines: GET /x 500"
    assert summarize_log_lines(["plain text"]) == "1 line: plain text"
    assert summarize_log_lines([]) is None


@pytest.mark.parametrize("key", ["trace", "trace_chain"])
def test_an_item_is_summarized_by_its_exception(key: str) -> None:
    trace: dict[str, Any] = {"exception": {"class": "DeliberateError", "message": "on purpose"}}

    item = {"body": {key: [trace] if key == "trace_chain" else trace}}

    assert summarize_items([item]) == "1 item: DeliberateError: on purpose"
    assert summarize_items([]) is None
