from __future__ import annotations

from typing import Any

from operations.mcp.comparison import MAX_ROWS, compare
from operations.traces.document import Absence, Place, PlaceContent, Reason, Request, Trace

FAST, SLOW = "a" * 32, "b" * 32


def span(name: str, milliseconds: float, code: str = "unset", **attributes: object) -> dict[str, Any]:
    times = {"start_ns": 0, "end_ns": int(milliseconds * 1e6)}
    return {"name": name, "kind": "client", **times, "attributes": attributes, "status": {"code": code}, "events": []}


def trace(trace_id: str, spans: list[dict[str, Any]], status: int = 200, **places: PlaceContent) -> Trace:
    request = Request(trace_id=trace_id, started=1.0, method="GET", path="/orders", status=status, duration_ms=9.0)
    contents = {Place.HONEYCOMB: PlaceContent(items=spans), **{Place(name): each for name, each in places.items()}}
    return Trace(trace_id=trace_id, request=request, places=contents)


def test_equal_traces_have_no_differences() -> None:
    compared = compare(trace(FAST, [span("SELECT", 1, db="orders")]), trace(SLOW, [span("SELECT", 1, db="orders")]))
    assert compared["request"] == compared["places"] == {}
    assert compared["spans"]["attributes"] == compared["spans"]["only_in_a"] == compared["spans"]["only_in_b"] == []
    assert [each["difference_ms"] for each in compared["spans"]["changed"]] == [0.0]


def test_the_span_that_takes_longer_comes_first_with_what_else_differs() -> None:
    slow = [span("SELECT", 900, "error", rows=9), span("GET", 2), span("SELECT", 100), span("retry", 1)]
    compared = compare(trace(FAST, [span("SELECT", 5, rows=1), span("GET", 1)]), trace(SLOW, slow, status=504))
    assert compared["request"] == {"status": {"a": 200, "b": 504}}
    assert compared["spans"]["changed"][0] == {
        "name": "client SELECT",
        "milliseconds": {"a": 5.0, "b": 1000.0},
        "difference_ms": 995.0,
        "count": {"a": 1, "b": 2},
        "failed": {"a": 0, "b": 1},
    }
    assert compared["spans"]["only_in_b"] == [{"name": "client retry", "count": 1}]
    assert compared["spans"]["attributes"] == [{"span": "client SELECT", "attribute": "rows", "a": 1, "b": 9}]


def test_segments_are_compared_where_no_spans_can_be_read() -> None:
    def segments(seconds: float) -> PlaceContent:
        subsegment = {"name": "dynamodb", "start_time": 1.0, "end_time": 1.0 + seconds, "fault": True}
        document = {"name": "shop", "start_time": 1.0, "end_time": 3.0, "subsegments": [subsegment, "malformed"]}
        return PlaceContent(items=[document])

    compared = compare(trace(FAST, [], xray=segments(0.5)), trace(SLOW, [], xray=segments(1.5)))
    assert compared["spans"]["source"] == "xray"
    first = compared["spans"]["changed"][0]
    assert (first["name"], first["difference_ms"], first["failed"]) == ("dynamodb", 1000.0, {"a": 1, "b": 1})


def test_a_place_that_has_only_one_of_them_says_why() -> None:
    absent = PlaceContent(absence=Absence(Reason.NOT_SAMPLED, "The rule did not sample it."))
    compared = compare(trace(FAST, [], xray=PlaceContent(items=[{}])), trace(SLOW, [], xray=absent))
    assert compared["places"] == {"xray": {"items": {"a": 1, "b": 0}, "absence": {"a": None, "b": "not-sampled"}}}


def test_log_lines_and_exceptions_are_compared_by_their_text() -> None:
    event = {"name": "exception", "attributes": {"exception.type": "KeyError", "exception.message": "'id'"}}
    line = {"timestamp": 1, "message": "", "fields": {"level": "ERROR", "message": "cannot read the order"}}
    failed = trace(SLOW, [span("GET", 1) | {"events": [event]}], cloudwatch=PlaceContent(items=[line]))
    compared = compare(trace(FAST, [span("GET", 1)]), failed)
    assert compared["exceptions"] == {"only_in_a": [], "only_in_b": ["KeyError: 'id'"]}
    assert compared["log_messages"]["only_in_b"] == ["ERROR cannot read the order"]


def test_long_lists_are_cut_and_say_so() -> None:
    compared = compare(trace(FAST, [span("x", 1)]), trace(SLOW, [span(str(each), 1) for each in range(MAX_ROWS + 5)]))
    assert compared["spans"]["only_in_b"][-1] == "and 5 more"


def test_malformed_items_are_compared_as_far_as_they_can_be() -> None:
    malformed = [{}, {"start_ns": "x", "attributes": [], "status": None, "events": [1]}]
    assert compare(trace(FAST, malformed), trace(SLOW, malformed))["request"] == {}
