"""Whatever a sender puts is refused or returned: it never costs the other traces, or the other lines."""

from __future__ import annotations

import json
import random
import secrets
import time
from contextlib import suppress

import pytest

from tests.local.emulator.conftest import Aws
from tests.local.emulator.xray.segments import new_trace_id, put_segments, search, segment, segments_of
from tests.operations.traces.values import damaged, nested

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

EXPRESSIONS = (
    None,
    'service("Backend-Flask") AND http.status >= 500 AND annotation.a > 1',
    'annotation.a = "b" OR user = "bob" OR http.url CONTAINS "x" OR responsetime > 1',
)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_documents_are_refused_or_searched_and_read(aws: Aws, seed: int) -> None:
    xray, chance = aws.client("xray"), random.Random(seed)
    good = segment(new_trace_id())
    documents = []
    for _ in range(10):
        trace_id, child = new_trace_id(), segment(new_trace_id())
        http = {"request": {"url": "http://h/x", "method": "GET"}, "response": {"status": 200}}
        whole = segment(trace_id, http=http, user="bob", annotations={"a": 1, "b": "c"}, subsegments=[child])
        independent = segment(trace_id, type="subsegment", parent_id=child["id"])
        for each in (whole, independent):
            with suppress(RecursionError):  # of json.dumps
                document = damaged(each, chance, 0.04)
                documents.append(
                    json.dumps({**document, "trace_id": trace_id} if isinstance(document, dict) else document)
                )
    put_segments(xray, *documents, json.dumps(good))

    for expression in EXPRESSIONS:
        summaries = search(xray, expression)
        assert expression is not None or good["trace_id"] in {each["Id"] for each in summaries}
    for each in search(xray):
        assert segments_of(xray, each["Id"])


@pytest.mark.parametrize(
    "fields",
    [
        {"start_time": 1e15},
        {"end_time": 10**400},
        {"start_time": -1},
        {"metadata": {"a": nested(300)}},
        {"annotations": {"a": float("nan")}},
    ],
    ids=["year 31,690,708", "400 digits", "before the epoch", "300 levels", "NaN"],
)  # fmt: skip
def test_what_no_client_can_read_is_not_processed(aws: Aws, fields: dict[str, object]) -> None:
    [error] = put_segments(aws.client("xray"), segment(new_trace_id(), **fields))
    assert error["ErrorCode"] in {"InvalidStartTime", "InvalidEndTime", "ParseError"}


def test_a_chain_of_subsegments_is_returned_in_parts(aws: Aws) -> None:
    xray = aws.client("xray")
    chain = [segment(trace_id := new_trace_id())]
    for _ in range(700):
        chain.append(segment(trace_id, type="subsegment", parent_id=chain[-1]["id"]))
    for start in range(0, len(chain), 50):
        assert put_segments(xray, *chain[start : start + 50]) == []

    segments = segments_of(xray, trace_id)
    assert 1 < len(segments) < 30
    assert json.dumps(segments).count('"start_time"') == len(chain)
    assert [each["Id"] for each in search(xray)] == [trace_id]


def test_a_line_with_a_lone_surrogate_is_found_and_queried(aws: Aws) -> None:
    logs, group, now = aws.client("logs"), f"group-{secrets.token_hex(4)}", int(time.time() * 1000)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    messages = [json.dumps({"message": "\ud800"}), "raw \ud800", "the other"]
    events = [{"timestamp": now, "message": each} for each in messages]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    assert [each["message"] for each in logs.filter_log_events(logGroupName=group)["events"]] == messages
    assert len(logs.get_log_events(logGroupName=group, logStreamName="s")["events"]) == len(messages)
    query = logs.start_query(
        logGroupName=group, startTime=now // 1000 - 60, endTime=now // 1000 + 60, queryString="fields message, @message"
    )
    assert len(logs.get_query_results(queryId=query["queryId"])["results"]) == len(messages)
