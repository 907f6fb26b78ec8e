"""Work that no request causes has a trace in every sink, whoever starts its root span."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import threading
import weakref
from collections.abc import Iterator
from contextvars import copy_context

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from flask_onetrace.telemetry import Telemetry, annotate, current_scope, identify, job, job_span, span, trace_id
from flask_onetrace.telemetry.ids import span_hex
from flask_onetrace.telemetry.job_span import Job
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.sampling.samplers import FixedSampler
from tests.telemetry.segments import segment_of, validate
from tests.telemetry.tracing import PARENT, ROOT, TRACE, get, telemetry_of

log = logging.getLogger("shop")
tracer = trace.get_tracer("tests")


class OutOfStockError(Exception):
    """An error of the application's."""


def current_trace_id() -> str:
    digits = trace_id()
    assert digits is not None
    return digits


def spans_by_name(backends: FakeBackends, digits: str, count: int) -> dict[str, Document]:
    return {each["name"]: each for each in eventually(lambda: backends.spans(digits), count)}


@pytest.mark.usefixtures("app")
def test_a_job_is_one_trace_in_three_sinks_with_its_id_in_the_lines(backends: FakeBackends) -> None:
    with job("nightly report", size=3):
        digits = current_trace_id()
        annotate(customer="c-7")
        identify(42)
        log.info("counting")
        with span("count"):
            log.info("counted")
    assert trace_id() is None
    spans = spans_by_name(backends, digits, 2)
    root, inner = spans["nightly report"], spans["count"]
    assert inner["parent_span_id"] == root["span_id"]
    assert root["parent_span_id"] is None
    assert root["attributes"] == {"size": 3, "customer": "c-7", "user.id": "42"}
    segment = segment_of(backends, digits)
    validate(segment)
    assert (segment["id"], segment["user"]) == (root["span_id"], "42")
    assert segment["annotations"] == {"operation": "nightly report", "customer": "c-7"}
    assert [each["id"] for each in segment["subsegments"]] == [inner["span_id"]]
    lines = eventually(lambda: backends.lines_of(digits), 3)
    assert [(line["message"], line["job"], line["span_id"]) for line in lines] == [
        ("counting", "nightly report", root["span_id"]),
        ("counted", "nightly report", inner["span_id"]),
        ("job nightly report succeeded", "nightly report", root["span_id"]),
    ]
    assert [line.get("user_id") for line in lines] == ["42"] * 3
    assert lines[-1]["duration_ms"] >= 0


@pytest.mark.usefixtures("app")
def test_an_error_that_leaves_a_job_is_in_all_four_sinks_and_raised(backends: FakeBackends) -> None:
    with pytest.raises(OutOfStockError), job("restock"):  # noqa: PT012 - all of it is the job
        digits = current_trace_id()
        raise OutOfStockError("none left")
    [root] = eventually(lambda: backends.spans(digits), 1)
    [item] = eventually(lambda: backends.items(digits), 1)
    segment = segment_of(backends, digits)
    assert root["status"]["code"] == "error"
    assert root["attributes"]["rollbar.uuid"] == item["uuid"]
    assert [event["name"] for event in root["events"]] == ["exception"]
    assert segment["fault"] is True
    assert segment["cause"]["exceptions"][0]["type"] == "OutOfStockError"
    assert item["context"] == "restock"
    [line] = eventually(lambda: backends.lines_of(digits), 1)
    assert (line["level"], line["message"]) == ("ERROR", "job restock failed")
    assert "OutOfStockError: none left" in line["exception"]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("code", [None, 0])
def test_an_exit_without_an_error_code_is_a_success(code: int | None, backends: FakeBackends) -> None:
    with pytest.raises(SystemExit), job("restock"):  # noqa: PT012 - all of it is the job
        digits = current_trace_id()
        raise SystemExit(code)
    [line] = eventually(lambda: backends.lines_of(digits), 1)
    assert line["message"] == "job restock succeeded"
    [root] = eventually(lambda: backends.spans(digits), 1)
    assert root["status"]["code"] == "unset"


def test_sampling_rules_see_a_job_as_a_method_and_a_path_of_its_own(app: Flask) -> None:
    sampler = telemetry_of(app).sampler = FixedSampler(sampled=True, rate=1)
    with job("nightly"):
        pass
    with tracer.start_as_current_span("by the API"):
        pass
    assert [(each.service, each.method, each.path, each.host) for each in sampler.requests] == [
        ("Backend-Flask", "JOB", "nightly", ""),
        ("Backend-Flask", "JOB", "by the API", ""),
    ]


def test_a_job_that_is_not_sampled_leaves_only_lines(app: Flask, backends: FakeBackends) -> None:
    telemetry_of(app).sampler = FixedSampler(sampled=False, rate=0)
    with job("nightly"), span("step"):
        digits = current_trace_id()
        annotate(customer=7)
    lines = eventually(lambda: backends.lines_of(digits), 1)
    telemetry_of(app).flush(5)
    assert [line["message"] for line in lines] == ["job nightly succeeded"]
    assert (backends.spans(digits), backends.segments_of(digits)) == ([], [])


def test_a_job_that_fails_is_kept_whatever_the_rule_said(app: Flask, backends: FakeBackends) -> None:
    telemetry_of(app).sampler = FixedSampler(sampled=False, rate=0)
    with pytest.raises(OutOfStockError), job("nightly", size=3), span("step"):  # noqa: PT012 - all of it is the job
        digits = current_trace_id()
        raise OutOfStockError("none left")
    spans = spans_by_name(backends, digits, 2)
    root, step = spans["nightly"], spans["step"]
    assert (step["parent_span_id"], root["status"]["code"], step["status"]["code"]) == (
        root["span_id"],
        "error",
        "error",
    )
    assert root["attributes"]["size"] == 3
    segment = segment_of(backends, digits)
    assert (segment["fault"], segment["subsegments"][0]["name"]) == (True, "step")
    assert {line["span_id"] for line in eventually(lambda: backends.lines_of(digits), 1)} == {root["span_id"]}


def test_everything_recorded_keeps_a_failed_job_for_x_ray_too(make_app: AppFactory, backends: FakeBackends) -> None:
    rule = json.dumps({"FixedRate": 0.0, "ReservoirSize": 0, "RuleName": "none"})
    make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule, "HONEYCOMB_KEEP_EVERYTHING": "true"})
    digits = []
    for fails in (False, True):
        with pytest.raises(OutOfStockError) if fails else span("outer"), job("nightly"), span("step"):
            digits.append(current_trace_id())
            if fails:
                raise OutOfStockError("none left")
    assert [len(eventually(lambda each=each: backends.spans(each), 2)) for each in digits][1] == 2  # type: ignore[misc]  # mypy infers no lambda default
    segment = segment_of(backends, digits[1])
    assert [each["name"] for each in segment["subsegments"]] == ["step"]


def test_a_sampled_job_that_fails_represents_itself(app: Flask, backends: FakeBackends) -> None:
    telemetry_of(app).sampler = FixedSampler(sampled=True, rate=5)
    rates = []
    for fails in (False, True):
        with contextlib.suppress(OutOfStockError), job("nightly"), span("step"):
            digits = current_trace_id()
            if fails:
                raise OutOfStockError("none left")
        telemetry_of(app).flush(5)
        rates.append([each["attributes"].get("SampleRate") for each in backends.spans(digits)])
    assert rates == [[5, 5], [None, None]]


@pytest.mark.usefixtures("app")
def test_any_root_span_has_a_scope_however_it_is_made_current(backends: FakeBackends) -> None:
    root = tracer.start_span("worker", kind=trace.SpanKind.CONSUMER)
    with trace.use_span(root, end_on_exit=True):
        digits = current_trace_id()
        assert digits == f"{root.get_span_context().trace_id:032x}"
        annotate(queue="orders")
        identify("u1")
        log.info("working")
        with span("step"):
            assert trace_id() == digits
    spans = spans_by_name(backends, digits, 2)
    assert spans["worker"]["attributes"] == {"queue": "orders", "user.id": "u1"}
    segment = segment_of(backends, digits)
    assert segment["annotations"] == {"operation": "worker", "queue": "orders"}
    assert [each["name"] for each in segment["subsegments"]] == ["step"]
    [line] = eventually(lambda: backends.lines_of(digits), 1)
    assert (line["job"], line["user_id"]) == ("worker", "u1")


@pytest.mark.parametrize("sampled", [True, False])
def test_a_manual_span_within_a_job_does_not_end_it(app: Flask, backends: FakeBackends, *, sampled: bool) -> None:
    telemetry_of(app).sampler = FixedSampler(sampled=sampled, rate=int(sampled))
    with pytest.raises(OutOfStockError), job("nightly"):  # noqa: PT012 - all of it is the job
        digits = current_trace_id()
        tracer.start_span("step").end()
        tracer.start_span("call", kind=trace.SpanKind.CLIENT).end()
        assert trace_id() == digits
        raise OutOfStockError
    spans = spans_by_name(backends, digits, 3 if sampled else 1)
    assert set(spans) == ({"nightly", "step", "call"} if sampled else {"nightly"})


def test_within_a_request_a_job_is_an_inner_span(app: Flask, backends: FakeBackends) -> None:
    @app.get("/shop")
    def shop() -> str:
        with job("restock"):
            return current_trace_id()

    response = get(app, "/shop")
    spans = spans_by_name(backends, response.trace_id, 2)
    assert spans["restock"]["parent_span_id"] == spans["GET /shop"]["span_id"]


@pytest.mark.usefixtures("app")
def test_the_x_ray_sdks_calls_work_within_a_job(backends: FakeBackends) -> None:
    with job("nightly"):
        digits = current_trace_id()
        with xray_recorder.in_subsegment("count") as subsegment:
            subsegment.put_annotation("rows", 3)
            subsegment.put_metadata("first", {"id": 1})
        xray_recorder.current_segment().set_user("u2")
    segment = segment_of(backends, digits)
    [inner] = segment["subsegments"]
    assert (inner["name"], inner["annotations"]) == ("count", {"rows": 3})
    assert (segment["user"], inner["metadata"]["default"]["first"]) == ("u2", {"id": 1})


@pytest.mark.usefixtures("app")
def test_a_segment_that_code_begins_outside_a_request_is_a_job(backends: FakeBackends) -> None:
    with pytest.raises(OutOfStockError), xray_recorder.in_segment("script") as segment:  # noqa: PT012 - all of it is the script
        digits = current_trace_id()
        segment.put_annotation("rows", 3)
        with xray_recorder.in_subsegment("count"):
            log.info("counting")
        raise OutOfStockError("none left")
    assert trace_id() is None
    document = segment_of(backends, digits)
    validate(document)
    assert document["annotations"] == {"operation": "script", "rows": 3}
    assert (document["fault"], document["cause"]["exceptions"][0]["message"]) == (True, "none left")
    assert [each["name"] for each in document["subsegments"]] == ["count"]
    spans = spans_by_name(backends, digits, 2)
    assert spans["script"]["status"]["code"] == "error"
    [line] = eventually(lambda: backends.lines_of(digits), 1)
    assert (line["message"], line["job"]) == ("counting", "script")


@pytest.mark.usefixtures("app")
def test_a_segment_joins_the_trace_that_it_is_given(backends: FakeBackends) -> None:
    xray_recorder.begin_segment("script", traceid=ROOT, parent_id=PARENT, sampling=1)
    assert trace_id() == TRACE
    xray_recorder.end_segment()
    assert (trace_id(), segment_of(backends, TRACE)["parent_id"]) == (None, PARENT)


@pytest.mark.usefixtures("app")
def test_a_thread_with_the_context_of_a_job_is_in_its_trace(backends: FakeBackends) -> None:
    def step() -> None:
        with span("in a thread"):
            log.info("working")

    with job("nightly"):
        digits = current_trace_id()
        thread = threading.Thread(target=copy_context().run, args=[step])
        thread.start()
        thread.join()
    segment = segment_of(backends, digits)
    assert [each["name"] for each in segment["subsegments"]] == ["in a thread"]
    assert len(eventually(lambda: backends.lines_of(digits), 2)) == 2


def test_each_call_of_a_decorated_function_is_a_job(app: Flask) -> None:
    sampler = telemetry_of(app).sampler = FixedSampler(sampled=True, rate=1)
    traces = []

    @job("restock")
    def restock(amount: int) -> int:
        traces.append(current_trace_id())
        return amount + 1

    assert [restock(1), restock(2)] == [2, 3]
    assert len(set(traces)) == len(sampler.requests) == 2


def test_a_job_lasts_until_a_decorated_coroutine_has_been_awaited(app: Flask, backends: FakeBackends) -> None:
    @job("restock")
    async def restock() -> str:
        await asyncio.sleep(0)
        with span("count"):
            return current_trace_id()

    digits = asyncio.run(restock())
    assert trace_id() is None
    telemetry_of(app).flush(5)
    assert {each["name"] for each in backends.spans(digits)} == {"restock", "count"}


def test_a_generator_that_is_closed_early_is_a_success(app: Flask, backends: FakeBackends) -> None:
    def work() -> Iterator[str]:
        with job("restock"):
            yield current_trace_id()
            yield ""

    generator = work()
    digits = next(generator)
    generator.close()  # type: ignore[attr-defined]  # a generator has it
    telemetry_of(app).flush(5)
    [line] = backends.lines_of(digits)
    assert line["message"] == "job restock succeeded"
    [root] = backends.spans(digits)
    assert root["status"]["code"] == "unset"


def test_a_job_that_is_left_in_another_context_is_complete(app: Flask, backends: FakeBackends) -> None:
    def enter() -> tuple[Job, str]:
        own = job("restock")
        own.__enter__()
        return own, current_trace_id()

    own, digits = copy_context().run(enter)
    error = OutOfStockError("none left")
    copy_context().run(own.__exit__, OutOfStockError, error, None)
    telemetry_of(app).flush(5)
    lines = [line for line in backends.lines_of(digits) if line["logger"] != "opentelemetry.context"]
    assert [(line["message"], line["job"]) for line in lines] == [("job restock failed", "restock")]
    assert len(backends.spans(digits)) == len(backends.items(digits)) == 1


def test_without_an_app_a_job_runs_and_says_once_that_nothing_is_recorded(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_span, "_warned", threading.Event())
    for _ in range(2):
        with job("nightly"):
            assert trace_id() is None
    assert ["without telemetry" in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize("sampled", [True, False])
def test_a_finished_job_is_freed_at_once(app: Flask, *, sampled: bool) -> None:
    telemetry_of(app).sampler = FixedSampler(sampled=sampled, rate=1)
    gc.disable()
    try:
        with job("nightly"), span("step"):
            scope = current_scope()
            assert scope is not None
            reference = weakref.ref(scope.span)
            del scope
        telemetry_of(app).flush(5)
        assert reference() is None
    finally:
        gc.enable()


def test_a_decision_that_came_with_a_message_is_followed(app: Flask, backends: FakeBackends) -> None:
    telemetry: Telemetry = telemetry_of(app)
    for sampled in (True, False):
        telemetry.sampler = FixedSampler(sampled=not sampled, rate=1)
        digits = f"5759e988bd862e3fe1be46a9{int(sampled):08x}"
        message = {"traceparent": f"00-{digits}-{span_hex(7)}-0{int(sampled)}"}
        with job("resize", message=message):
            assert trace_id() == digits
        telemetry.flush(5)
        spans = backends.spans(digits)
        assert [(each["parent_span_id"], each["kind"]) for each in spans] == [(span_hex(7), "consumer")] * sampled
        assert [each["parent_id"] for each in backends.segments_of(digits)] == [span_hex(7)] * sampled


@pytest.mark.parametrize("header", [f"Root={ROOT};Parent={PARENT}", f"Root={ROOT}"])
@pytest.mark.parametrize("sampled", [True, False])
def test_a_message_without_a_decision_is_sampled_by_the_rules(
    app: Flask, backends: FakeBackends, header: str, *, sampled: bool
) -> None:
    telemetry_of(app).sampler = FixedSampler(sampled=sampled, rate=int(sampled))
    with job("resize", message={"Attributes": {"AWSTraceHeader": header}}):
        assert trace_id() == TRACE
    telemetry_of(app).flush(5)
    expected = [PARENT if "Parent" in header else None] * sampled
    assert [each["parent_span_id"] for each in backends.spans(TRACE)] == expected


def test_a_rule_for_requests_alone_still_samples_jobs(make_app: AppFactory, backends: FakeBackends) -> None:
    rule = {"RuleName": "api", "FixedRate": 1.0, "ReservoirSize": 0, "URLPath": "/api/*", "HTTPMethod": "GET"}
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": json.dumps(rule)})
    with job("nightly"):
        digits = current_trace_id()
    telemetry_of(app).flush(5)
    assert len(backends.spans(digits)) == 1
