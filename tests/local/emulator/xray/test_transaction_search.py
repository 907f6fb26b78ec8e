"""With Transaction Search every span is in a log group, and X-Ray finds the indexed share of the traces."""

from __future__ import annotations

import json

import pytest

from tests.local.emulator.conftest import Aws, Client
from tests.local.emulator.xray.segments import new_trace_id, put_segments, search, segment, segments_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SPANS = "aws/spans"


def spans(aws: Aws) -> list[dict[str, object]]:
    events = aws.client("logs").filter_log_events(logGroupName=SPANS)["events"]
    return [json.loads(each["message"]) for each in events]


def index(xray: Client, percentage: float) -> None:
    xray.update_indexing_rule(Name="Default", Rule={"Probabilistic": {"DesiredSamplingPercentage": percentage}})


def test_segments_are_stored_in_xray_until_it_is_turned_on(aws: Aws) -> None:
    xray, logs = aws.client("xray"), aws.client("logs")
    assert xray.get_trace_segment_destination()["Destination"] == "XRay"

    put_segments(xray, document := segment(new_trace_id()))

    assert segments_of(xray, document["trace_id"]) == [document]
    assert logs.describe_log_groups(logGroupNamePrefix=SPANS)["logGroups"] == []


def test_each_segment_and_subsegment_becomes_a_span(aws: Aws) -> None:
    xray = aws.client("xray")
    changed = xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    assert (changed["Destination"], changed["Status"]) == ("CloudWatchLogs", "ACTIVE")
    http = {"request": {"method": "GET", "url": "http://cruddur/api"}, "response": {"status": 500}}
    child = segment(trace_id := new_trace_id(), name="dynamodb", namespace="aws", trace_id=None)
    root = segment(trace_id, http=http, fault=True, annotations={"handle": "andrew"}, subsegments=[child])

    assert put_segments(xray, root) == []
    assert put_segments(xray, segment(new_trace_id(), in_progress=True, end_time=None)) == []

    server, client = spans(aws)
    assert server["traceId"] == client["traceId"] == trace_id.replace("-", "")[1:]
    assert (server["spanId"], server["kind"], server["status"]) == (root["id"], "SERVER", {"code": "ERROR"})
    assert (client["parentSpanId"], client["kind"], client["name"]) == (root["id"], "CLIENT", "dynamodb")
    assert server["resource"] == {"attributes": {"service.name": "Backend-Flask"}}
    assert server["attributes"] == {
        "http.request.method": "GET",
        "url.full": "http://cruddur/api",
        "http.response.status_code": 500,
        "handle": "andrew",
    }
    assert server["durationNano"] == pytest.approx(500_000_000, abs=1000)


def test_xray_finds_the_indexed_share_alone(aws: Aws) -> None:
    xray = aws.client("xray")
    xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    [rule] = xray.get_indexing_rules()["IndexingRules"]
    assert rule["Rule"]["Probabilistic"]["DesiredSamplingPercentage"] == 1.0

    index(xray, 25)
    documents = [segment(f"{new_trace_id()[:-14]}{(share << 56) // 40:014x}") for share in range(40)]
    put_segments(xray, *documents)

    assert len(spans(aws)) == 40
    assert {each["Id"] for each in search(xray)} == {each["trace_id"] for each in documents[:10]}
    assert segments_of(xray, documents[0]["trace_id"]) == [documents[0]]
    assert xray.batch_get_traces(TraceIds=[documents[-1]["trace_id"]])["Traces"] == []


@pytest.mark.parametrize("percentage", [-1, 101])
def test_a_share_that_is_no_percentage_is_refused(aws: Aws, percentage: float) -> None:
    xray = aws.client("xray")

    with pytest.raises(xray.exceptions.InvalidRequestException, match="is not 0 to 100"):
        index(xray, percentage)
