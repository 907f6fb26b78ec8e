from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.local.emulator.conftest import Aws, Template
from tests.local.emulator.xray.segments import new_trace_id, put_segments, search, segment, segments_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_a_segment_is_returned_as_put(aws: Aws) -> None:
    xray = aws.client("xray")
    trace_id = new_trace_id()
    document = segment(trace_id, annotations={"handle": "andrew"}, metadata={"default": {"now": "today"}})

    assert put_segments(xray, document) == []

    response = xray.batch_get_traces(TraceIds=[trace_id, new_trace_id()])
    [trace] = response["Traces"]
    assert (trace["Id"], trace["Duration"]) == (trace_id, 0.5)
    assert [each["Id"] for each in trace["Segments"]] == [document["id"]]
    assert segments_of(xray, trace_id) == [document]
    assert len(response["UnprocessedTraceIds"]) == 1


def test_independent_subsegments_are_embedded_in_their_parents_in_any_order(aws: Aws) -> None:
    xray = aws.client("xray")
    root = segment(trace_id := new_trace_id())
    child = segment(trace_id, type="subsegment", name="child", parent_id=root["id"])
    grandchild = segment(trace_id, type="subsegment", name="grandchild", parent_id=child["id"])
    downstream = segment(trace_id, name="Downstream", parent_id=grandchild["id"])

    assert put_segments(xray, grandchild, downstream, child) == []
    assert put_segments(xray, root) == []

    segments = {document["name"]: document for document in segments_of(xray, trace_id)}
    assert segments.keys() == {"Backend-Flask", "Downstream"}
    assert segments["Backend-Flask"] == {**root, "subsegments": [{**child, "subsegments": [grandchild]}]}


def test_a_complete_document_replaces_one_in_progress_but_not_vice_versa(aws: Aws) -> None:
    xray = aws.client("xray")
    complete = segment(new_trace_id())
    in_progress = {**complete, "in_progress": True}
    del in_progress["end_time"]

    put_segments(xray, in_progress)
    [summary] = search(xray)
    assert summary["IsPartial"] is True

    put_segments(xray, complete)
    put_segments(xray, in_progress)
    assert segments_of(xray, complete["trace_id"]) == [complete]
    assert [each["IsPartial"] for each in search(xray)] == [False]


def test_an_embedded_subsegment_in_progress_is_completed_by_an_independent_one(aws: Aws) -> None:
    xray = aws.client("xray")
    root = segment(trace_id := new_trace_id())
    independent = segment(trace_id, type="subsegment", name="slow", parent_id=root["id"])
    root["subsegments"] = [
        {"id": independent["id"], "name": "slow", "start_time": independent["start_time"], "in_progress": True}
    ]

    put_segments(xray, root, independent)

    [stored] = segments_of(xray, trace_id)
    assert stored["subsegments"] == [independent]


TRACE = new_trace_id()
FUTURE = f"1-{int(time.time()) + 86_400:08x}-{'0' * 24}"
OLD = new_trace_id(age=40 * 86_400)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "ParseError"),
        ("[]", "ParseError"),
        ("[" * 5000, "ParseError"),
        (segment(TRACE, id=None), "MissingId"),
        (segment(TRACE, trace_id=None), "MissingTraceId"),
        (segment(TRACE, name=None), "MissingName"),
        (segment(TRACE, start_time=None), "MissingStartTime"),
        (segment(TRACE, end_time=None), "MissingEndTime"),
        (segment(TRACE, type="subsegment"), "MissingParentId"),
        (segment(TRACE, id="123"), "InvalidId"),
        (segment(TRACE, parent_id="XYZ"), "InvalidParentId"),
        (segment(TRACE, trace_id="6553f1000123456789abcdef01234567"), "InvalidTraceId"),
        (segment(TRACE, trace_id=FUTURE), "InvalidTraceId"),
        (segment(TRACE, trace_id=OLD), "InvalidTraceId"),
        (segment(TRACE, name="what?"), "InvalidName"),
        (segment(TRACE, name="n" * 201), "InvalidName"),
        (segment(TRACE, start_time="now"), "InvalidStartTime"),
        (segment(TRACE, metadata={"default": {"big": "x" * 65_536}}), "SegmentTooLarge"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "document",
)
def test_an_invalid_document_is_reported_and_the_others_are_stored(
    aws: Aws, document: Template | str, code: str
) -> None:
    xray = aws.client("xray")
    good = segment(new_trace_id())

    [error] = put_segments(xray, document, good)

    assert error["ErrorCode"] == code
    assert f"ErrorCode: {code}" in error["Message"]
    assert [summary["Id"] for summary in search(xray)] == [good["trace_id"]]


def test_requests_beyond_the_api_limits_are_errors(aws: Aws) -> None:
    xray = aws.client("xray")
    documents = [segment(new_trace_id()) for _ in range(51)]

    with pytest.raises(xray.exceptions.InvalidRequestException, match="51 members; 50"):
        put_segments(xray, *documents)
    assert put_segments(xray, *documents[:50]) == []
    with pytest.raises(xray.exceptions.InvalidRequestException, match="6 members; 5"):
        xray.batch_get_traces(TraceIds=[new_trace_id() for _ in range(6)])


def test_telemetry_records_are_accepted(aws: Aws) -> None:
    aws.client("xray").put_telemetry_records(
        TelemetryRecords=[{"Timestamp": datetime.now(UTC), "SegmentsSentCount": 1}]
    )


def test_a_summary_has_the_root_segment_and_all_annotations(aws: Aws) -> None:
    xray = aws.client("xray")
    http = {"request": {"method": "GET", "url": "http://cruddur/api"}, "response": {"status": 500}}
    root = segment(trace_id := new_trace_id(), fault=True, http=http, user="brown", annotations={"length": 3})
    children = [{"handle": "andrew", "new": True}, {"handle": "andrew"}]
    root["subsegments"] = [{**segment(trace_id), "annotations": annotations} for annotations in children]
    put_segments(xray, root)

    [summary] = search(xray)

    service = {"Name": "Backend-Flask", "Names": ["Backend-Flask"]}
    assert (summary["Id"], summary["Duration"], summary["ResponseTime"]) == (trace_id, 0.5, 0.5)
    assert (summary["HasFault"], summary["HasError"], summary["HasThrottle"]) == (True, False, False)
    assert summary["Http"] == {"HttpMethod": "GET", "HttpURL": "http://cruddur/api", "HttpStatus": 500}
    assert summary["Annotations"] == {
        "length": [{"AnnotationValue": {"NumberValue": 3.0}, "ServiceIds": [service]}],
        "handle": [{"AnnotationValue": {"StringValue": "andrew"}, "ServiceIds": [service]}],
        "new": [{"AnnotationValue": {"BooleanValue": True}, "ServiceIds": [service]}],
    }
    assert summary["Users"] == [{"UserName": "brown", "ServiceIds": [service]}]
    assert (summary["ServiceIds"], summary["EntryPoint"]) == ([service], service)


def test_only_traces_of_the_time_range_are_returned(aws: Aws) -> None:
    xray = aws.client("xray")
    recent, earlier = segment(new_trace_id()), segment(new_trace_id(age=3600))
    put_segments(xray, recent, earlier)

    assert [each["Id"] for each in search(xray, minutes=10)] == [recent["trace_id"]]
    assert {each["Id"] for each in search(xray, minutes=90)} == {recent["trace_id"], earlier["trace_id"]}
    assert [each["Id"] for each in search(xray, minutes=10, TimeRangeType="Event")] == [recent["trace_id"]]
    with pytest.raises(xray.exceptions.InvalidRequestException, match="21600 seconds"):
        search(xray, minutes=400)


def test_summaries_are_paginated(aws: Aws) -> None:
    xray = aws.client("xray")
    ids = {new_trace_id() for _ in range(120)}
    for batch in (sorted(ids)[:50], sorted(ids)[50:100], sorted(ids)[100:]):
        put_segments(xray, *(segment(trace_id) for trace_id in batch))
    now = datetime.now(UTC)

    pages = xray.get_paginator("get_trace_summaries").paginate(StartTime=now - timedelta(minutes=5), EndTime=now)
    pages_of_ids = [[summary["Id"] for summary in page["TraceSummaries"]] for page in pages]

    assert [len(page) for page in pages_of_ids] == [100, 20]
    assert {trace_id for page in pages_of_ids for trace_id in page} == ids


def test_accounts_have_separate_traces(endpoint: str) -> None:
    mine, theirs = Aws(endpoint).client("xray"), Aws(endpoint).client("xray")
    put_segments(mine, segment(new_trace_id()))

    assert len(search(mine)) == 1
    assert search(theirs) == []
