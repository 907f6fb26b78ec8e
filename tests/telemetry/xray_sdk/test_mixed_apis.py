"""Handlers may use OpenTelemetry's API, the X-Ray SDK, or both in one trace."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import pytest
import requests
from aws_xray_sdk.core import xray_recorder
from flask import Flask, Response, request, stream_with_context
from opentelemetry import context as otel_context
from opentelemetry import trace

from flask_onetrace import telemetry
from local.fakes.server import LocalServer
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id, segment_of


def test_spans_and_subsegments_nest_in_the_order_they_were_opened(app: Flask, backends: FakeBackends) -> None:
    @app.get("/nested")
    def nested() -> str:
        with trace.get_tracer("test").start_as_current_span("outer"):
            with xray_recorder.in_subsegment("middle") as subsegment:
                subsegment.put_annotation("colour", "red")
                subsegment.put_metadata("key", {"a": 1}, "space")
                with trace.get_tracer("test").start_as_current_span("inner"):
                    pass
            xray_recorder.begin_subsegment("sibling")
            xray_recorder.end_subsegment()
        return "ok"

    trace_id = get_trace_id(app, "/nested")
    [outer] = segment_of(backends, trace_id)["subsegments"]
    middle, sibling = outer["subsegments"]
    assert (outer["name"], middle["name"], sibling["name"]) == ("outer", "middle", "sibling")
    assert [inner["name"] for inner in middle["subsegments"]] == ["inner"]
    assert middle["annotations"] == {"colour": "red"}
    assert middle["metadata"] == {"space": {"key": {"a": 1}}}
    spans = {span["name"]: span for span in eventually(lambda: backends.spans(trace_id), 5)}
    assert spans["inner"]["parent_span_id"] == spans["middle"]["span_id"] == middle["id"]
    assert spans["middle"]["attributes"]["colour"] == "red"


def test_annotations_metadata_and_user_of_the_segment_are_exported(app: Flask, backends: FakeBackends) -> None:
    @app.get("/segment")
    def on_segment() -> str:
        xray_recorder.put_annotation("plan", "free")
        xray_recorder.put_metadata("cart", [1, 2])
        xray_recorder.current_segment().set_user("worf")
        return "ok"

    segment = segment_of(backends, get_trace_id(app, "/segment"))
    assert segment["annotations"] == {"plan": "free"}
    assert segment["metadata"] == {"default": {"cart": [1, 2]}}
    assert segment["user"] == "worf"


def test_an_exception_in_a_subsegment_is_its_cause(app: Flask, backends: FakeBackends) -> None:
    @xray_recorder.capture("risky")  # type: ignore[untyped-decorator]  # the SDK publishes no types
    def risky() -> None:
        raise ValueError("too hot")

    @app.get("/caught")
    def caught() -> str:
        with pytest.raises(ValueError, match="too hot"):
            risky()
        return "ok"

    [subsegment] = segment_of(backends, get_trace_id(app, "/caught"))["subsegments"]
    assert subsegment["fault"] is True
    assert subsegment["cause"]["exceptions"][0]["message"] == "too hot"


def test_outside_a_request_the_xray_sdk_does_nothing(app: Flask, backends: FakeBackends) -> None:  # noqa: ARG001 - installs the process globals
    with xray_recorder.in_subsegment("nowhere") as subsegment:
        subsegment.put_metadata("key", "value")
    xray_recorder.put_annotation("key", "value")
    assert xray_recorder.current_subsegment() is None
    assert backends.segments == []


def test_the_user_id_is_in_every_back_end(app: Flask, backends: FakeBackends) -> None:
    @app.get("/me")
    def me() -> str:
        telemetry.identify("worf")
        raise RuntimeError("no prune juice")

    with app.test_client().get("/me", buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    assert segment_of(backends, trace_id)["user"] == "worf"
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    assert span["attributes"]["user.id"] == "worf"
    [item] = eventually(lambda: backends.items(trace_id), 1)
    assert item["person"] == {"id": "worf"}
    assert {line["user_id"] for line in eventually(lambda: backends.lines_of(trace_id), 2)} == {"worf"}


def test_a_streamed_body_is_part_of_its_request_until_the_last_byte(app: Flask, backends: FakeBackends) -> None:
    @app.get("/stream")
    def stream() -> Response:
        def produce() -> Iterator[str]:
            for number in range(3):
                with trace.get_tracer("test").start_as_current_span(f"chunk {number}"):
                    logging.getLogger("service.test").info("chunk %d", number)
                yield "x" * 10

        return Response(stream_with_context(produce()))

    trace_id = get_trace_id(app, "/stream")
    lines = eventually(lambda: backends.lines_of(trace_id), 4)
    assert [line["message"] for line in lines] == ["chunk 0", "chunk 1", "chunk 2", "GET /stream 200"]
    assert lines[-1]["bytes"] == 30
    names = [child["name"] for child in segment_of(backends, trace_id)["subsegments"]]
    assert names == ["chunk 0", "chunk 1", "chunk 2"]


def test_a_thread_with_the_attached_context_joins_the_trace(app: Flask, backends: FakeBackends) -> None:
    @app.get("/thread")
    def threaded() -> str:
        context = otel_context.get_current()

        def work() -> None:
            token = otel_context.attach(context)
            with trace.get_tracer("test").start_as_current_span("beside"):
                pass
            otel_context.detach(token)

        thread = Thread(target=work)
        thread.start()
        thread.join()
        return "ok"

    [child] = segment_of(backends, get_trace_id(app, "/thread"))["subsegments"]
    assert child["name"] == "beside"


def test_a_span_that_outlives_its_request_is_a_separate_subsegment(app: Flask, backends: FakeBackends) -> None:
    late: list[trace.Span] = []
    contexts: list[otel_context.Context] = []

    @app.get("/late")
    def leave() -> str:
        late.append(trace.get_tracer("test").start_span("late"))
        contexts.append(otel_context.get_current())
        return "ok"

    trace_id = get_trace_id(app, "/late")
    token = otel_context.attach(contexts[0])
    late[0].end()
    otel_context.detach(token)
    documents = eventually(lambda: backends.segments_of(trace_id), 2)
    segment, subsegment = sorted(documents, key=lambda each: "type" in each)
    assert subsegment["type"] == "subsegment"
    assert (subsegment["name"], subsegment["parent_id"]) == ("late", segment["id"])


def test_a_log_line_outside_a_request_has_placeholder_ids(app: Flask, backends: FakeBackends) -> None:  # noqa: ARG001 - installs the process globals
    logging.getLogger("service.test").warning("between requests")
    [line] = eventually(lambda: backends.lines_outside_requests("service.test"), 1)
    assert (line["message"], line["span_id"], line["xray_trace_id"]) == ("between requests", "-", "-")


def test_outgoing_requests_carry_both_headers_of_the_current_span(app: Flask, backends: FakeBackends) -> None:
    received: dict[str, str] = {}
    upstream = Flask("upstream")

    @upstream.get("/")
    def record() -> str:
        received.update(request.headers.items())
        return "ok"

    with closing(LocalServer(upstream)) as served:

        @app.get("/caller")
        def caller() -> str:
            return requests.get(served.url, timeout=60).text

        trace_id = get_trace_id(app, "/caller")
    [remote] = segment_of(backends, trace_id)["subsegments"]
    assert remote["namespace"] == "remote"
    assert remote["http"]["response"]["status"] == 200
    assert received["Traceparent"] == f"00-{trace_id}-{remote['id']}-03"
    assert received["X-Amzn-Trace-Id"] == f"Root=1-{trace_id[:8]}-{trace_id[8:]};Parent={remote['id']};Sampled=1"


def test_an_unsampled_request_leaves_only_log_lines_unless_it_fails(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    rule = '{"RuleName":"none","FixedRate":0,"ReservoirSize":0}'
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule, "FAULT_ROUTES": "true"})
    with app.test_client().get("/api/activities/notifications", buffered=True) as response:
        notified = response.headers["X-Trace-Id"]
        assert response.headers["traceresponse"].endswith("-02")
    with app.test_client().get("/api/fault", buffered=True) as response:
        failed = response.headers["X-Trace-Id"]
    assert len(eventually(lambda: backends.lines_of(notified), 2)) == 2
    assert [item["custom"]["trace_id"] for item in eventually(lambda: backends.items(failed), 1)] == [failed]
    assert app.extensions["onetrace"].flush(5)
    assert backends.spans(notified) == backends.segments_of(notified) == []
    assert len(backends.spans(failed)) == len(eventually(lambda: backends.segments_of(failed), 1)) == 1
