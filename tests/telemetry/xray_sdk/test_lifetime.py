"""The X-Ray SDK's state is freed with its request; without a sampled request its calls do nothing."""

from __future__ import annotations

import contextvars
import gc
import logging
import threading
import weakref
from typing import Any

import pytest
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.ext.util import inject_trace_header
from flask import Flask
from opentelemetry import trace

from flask_onetrace import telemetry
from flask_onetrace.contract import ACCESS_LOGGER
from flask_onetrace.telemetry.xray_sdk import context
from flask_onetrace.telemetry.xray_sdk.state import SdkState
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id

UNSAMPLED = {"XRAY_SAMPLING_RULE": '{"RuleName":"none","FixedRate":0,"ReservoirSize":0}'}

tracer = trace.get_tracer("test")


def test_an_unused_sdk_creates_no_state(app: Flask) -> None:
    sdk_state: list[object] = []

    @app.after_request
    def record(response: Any) -> Any:  # noqa: ANN401 - Flask's own type
        scope = telemetry.current_scope()
        assert scope is not None
        sdk_state.extend([SdkState in scope.extras, scope.annotations])
        return response

    get_trace_id(app, "/api/activities/home")
    assert sdk_state == [False, {}]


def test_an_unsampled_request_accepts_every_sdk_call_and_sends_nothing(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.environment, **UNSAMPLED})

    @app.get("/quiet")
    def quiet() -> str:
        with xray_recorder.in_subsegment("inner") as subsegment:
            subsegment.put_annotation("a", 1)
            subsegment.put_metadata("b", 2)
            subsegment.set_sql({"user": "u"})
        xray_recorder.current_segment().set_user("worf")
        telemetry.annotate(c=3)
        return type(subsegment).__name__ + str(xray_recorder.current_segment().sampled)

    with app.test_client().get("/quiet", buffered=True) as response:
        trace_id, text = response.headers["X-Trace-Id"], response.get_data(as_text=True)
    assert text == "UnsampledSubsegmentFalse"
    [line] = eventually(lambda: backends.lines_of(trace_id), 1)
    assert line["user_id"] == "worf"
    assert app.extensions["onetrace"].flush(5)
    assert backends.segments == backends.spans(trace_id) == []


@pytest.mark.usefixtures("app")
def test_outside_a_request_the_sdk_warns_once_and_does_nothing(
    backends: FakeBackends, caplog: pytest.LogCaptureFixture
) -> None:
    context._warned.clear()
    with caplog.at_level(logging.WARNING, "service"):
        for _ in range(3):
            with xray_recorder.in_subsegment("nowhere") as subsegment:
                subsegment.put_annotation("a", 1)
            with xray_recorder.in_segment("job"):
                xray_recorder.current_segment().set_user("worf")
            xray_recorder.end_subsegment()
    assert [record.name for record in caplog.records] == ["flask_onetrace.telemetry.xray_sdk.context"]
    assert backends.segments == []


def test_a_subsegment_begun_after_its_request_has_ended_joins_the_trace(app: Flask, backends: FakeBackends) -> None:
    has_ended = threading.Event()
    threads = []

    @app.get("/later")
    def later() -> str:
        context_of_request = contextvars.copy_context()

        def work() -> None:
            assert has_ended.wait(10)
            with xray_recorder.in_subsegment("late") as subsegment:
                subsegment.put_annotation("rows", 3)

        threads.append(threading.Thread(target=context_of_request.run, args=(work,)))
        threads[0].start()
        return "accepted"

    trace_id = get_trace_id(app, "/later")
    has_ended.set()
    threads[0].join()
    assert app.extensions["onetrace"].flush(5)
    assert {span["name"] for span in backends.spans(trace_id)} == {"GET /later", "late"}
    documents = {each["name"]: each for each in eventually(lambda: backends.segments_of(trace_id), 2)}
    late, segment = documents["late"], documents["Backend-Flask"]
    assert (late["type"], late["parent_id"], late["annotations"]["rows"]) == ("subsegment", segment["id"], 3)


def test_a_subsegment_that_an_async_view_leaves_open_ends_with_its_request(app: Flask, backends: FakeBackends) -> None:
    @app.get("/async")
    async def view() -> str:
        xray_recorder.begin_subsegment("left open").put_annotation("rows", 3)
        return "done"

    trace_id = get_trace_id(app, "/async")
    assert app.extensions["onetrace"].flush(5)
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    [left_open] = segment["subsegments"]
    assert (left_open["name"], left_open["annotations"]["rows"]) == ("left open", 3)


def test_an_unsampled_requests_patched_clients_send_its_ids(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, **UNSAMPLED})
    sent: list[dict[str, str]] = []

    @app.get("/call")
    def call() -> str:
        for name in (None, "S3"):
            headers: dict[str, str] = {}
            entity = xray_recorder.begin_subsegment(name) if name else xray_recorder.current_segment()
            inject_trace_header(headers, entity)
            sent.append(headers)
        return "done"

    with app.test_client().get("/call", buffered=True) as response:
        trace_id, span_id = response.headers["X-Trace-Id"], response.headers["traceresponse"].split("-")[2]
    expected = f"Root=1-{trace_id[:8]}-{trace_id[8:]};Parent={span_id};Sampled=0"
    assert sent == [{"X-Amzn-Trace-Id": expected}] * 2


def test_a_segment_may_be_begun_without_a_name(app: Flask, backends: FakeBackends) -> None:
    @app.get("/segment")
    def segment() -> str:
        with xray_recorder.in_segment():
            xray_recorder.current_segment().put_annotation("rows", 3)
        return "done"

    trace_id = get_trace_id(app, "/segment")
    [document] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert document["annotations"]["rows"] == 3


@pytest.mark.parametrize("settings", [{}, UNSAMPLED], ids=["sampled", "unsampled"])
def test_a_request_is_freed_after_its_last_batch_without_garbage_collection(
    settings: dict[str, str], make_app: AppFactory, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app({**backends.environment, **settings})
    # pytest's log handlers, which it gives a logger that does not propagate too, would keep the access record, and with
    # it the request.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger(ACCESS_LOGGER), "handlers", [])
    refs: list[weakref.ref[Any]] = []

    @app.get("/held")
    def hold() -> str:
        scope = telemetry.current_scope()
        xray_recorder.current_segment().set_user("worf")
        with tracer.start_as_current_span("span") as span, xray_recorder.in_subsegment("outer") as outer:
            outer.put_annotation("rows", 3)
            with xray_recorder.in_subsegment("inner") as inner:
                refs.extend(weakref.ref(each) for each in (scope, span, outer, inner))
        logging.getLogger("service.test").info("held")
        return "ok"

    gc.disable()
    try:
        get_trace_id(app, "/held")
        assert app.extensions[telemetry.EXTENSION].flush(10)
        assert [each() for each in refs] == [None] * 4
    finally:
        gc.enable()
