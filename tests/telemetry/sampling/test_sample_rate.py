"""One decision for Honeycomb and X-Ray; each span carries its sample rate, so that Honeycomb's counts are right."""

from __future__ import annotations

import json
import threading

import pytest
from flask import Flask
from opentelemetry import context as otel_context
from opentelemetry import trace

from flask_onetrace.telemetry.sampling.rule import Decision, LocalSampler
from flask_onetrace.telemetry.sampling.tail import TailSampler
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.sampling.samplers import FixedSampler, local_sampler
from tests.telemetry.tracing import (
    PARENT,
    TRACE,
    TRACEPARENT,
    Headers,
    SpanRecorder,
    flush,
    get,
    telemetry_of,
    wait_until,
)

HOME = "/api/activities/home"
tracer = trace.get_tracer("tests")


def rule(rate: float, reservoir: int = 0) -> str:
    return json.dumps({"RuleName": "tests", "FixedRate": rate, "ReservoirSize": reservoir})


def rates(spans: list[Document]) -> dict[str, int | None]:
    return {span["name"]: span["attributes"].get("SampleRate") for span in spans}


@pytest.fixture(params=["http/json", "http/protobuf"])
def protocol(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_PROTOCOL": request.param}


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (local_sampler(0.25, 0, lambda: 0.2), 4),
        (local_sampler(0.1, 0, lambda: 0.0), 10),
        (local_sampler(0.3, 0, lambda: 0.15), 3),
        (local_sampler(0.3, 0, lambda: 0.05), 4),
        (local_sampler(1.0, 0, lambda: 0.9), None),
        (local_sampler(0.1, 10, lambda: 0.9), None),
    ],
    ids=["a quarter", "a tenth", "three tenths", "three tenths, one more", "all", "reservoir"],
)
def test_each_span_carries_its_sample_rate(
    make_app: AppFactory, backends: FakeBackends, protocol: dict[str, str], sampler: LocalSampler, expected: int | None
) -> None:
    app = make_app({**backends.environment, **protocol})
    telemetry_of(app).sampler = sampler
    response = get(app, HOME)
    spans = eventually(lambda: backends.spans(response.trace_id), 2)
    assert rates(spans) == {f"GET {HOME}": expected, "HomeActivities-MockData": expected}
    [segment] = eventually(lambda: backends.segments_of(response.trace_id), 1)
    assert "SampleRate" not in json.dumps(segment)


def test_protobuf_and_json_export_the_same_span_and_sample_rate(make_app: AppFactory, backends: FakeBackends) -> None:
    exports: list[list[Document]] = []
    for name in ("http/json", "http/protobuf"):
        app = make_app({**backends.honeycomb, "OTEL_EXPORTER_OTLP_PROTOCOL": name, "FAULT_ROUTES": "true"})
        telemetry_of(app).sampler = FixedSampler(sampled=True, rate=7)
        telemetry_of(app).tail = TailSampler(0)
        response = get(app, "/api/fault", traceparent=TRACEPARENT)
        flush(app)
        exports.append([span for span in backends.spans(TRACE) if span["span_id"] == response.span_id])
    varying = {"span_id", "start_ns", "end_ns", "events"}
    first, second = ({key: value for key, value in span.items() if key not in varying} for [span] in exports)
    assert first == second
    assert first["attributes"]["SampleRate"] == 7, "tail sampling is off"
    assert first["parent_span_id"] == PARENT
    assert [[event["name"] for event in span["events"]] for [span] in exports] == [["exception"]] * 2


@pytest.mark.parametrize("sampled", [True, False])
def test_keep_everything_exports_all_spans_to_honeycomb_and_sampled_ones_to_x_ray(
    make_app: AppFactory, backends: FakeBackends, protocol: dict[str, str], *, sampled: bool
) -> None:
    app = make_app({**backends.environment, **protocol, "HONEYCOMB_KEEP_EVERYTHING": "true"})
    telemetry_of(app).sampler = FixedSampler(sampled=sampled, rate=10 if sampled else 0)
    response = get(app, HOME)
    flush(app)
    assert rates(backends.spans(response.trace_id)) == {f"GET {HOME}": None, "HomeActivities-MockData": None}
    assert len(eventually(lambda: backends.segments_of(response.trace_id), int(sampled))) == int(sampled)
    assert len(backends.lines_of(response.trace_id)) == 1
    assert response.sampled


@pytest.mark.parametrize("everything", [False, True])
def test_a_span_that_ends_on_another_thread_follows_its_parents_decision(
    make_app: AppFactory, backends: FakeBackends, *, everything: bool
) -> None:
    app = make_app({**backends.environment, "HONEYCOMB_KEEP_EVERYTHING": str(everything).lower()})
    telemetry_of(app).sampler = FixedSampler(sampled=not everything, rate=6)

    @app.get("/elsewhere")
    def elsewhere() -> str:
        inner = tracer.start_span("inner")
        thread = threading.Thread(target=inner.end)
        thread.start()
        thread.join()
        return "done"

    response = get(app, "/elsewhere")
    flush(app)
    expected = None if everything else 6
    assert rates(backends.spans(response.trace_id)) == {"GET /elsewhere": expected, "inner": expected}
    documents = eventually(lambda: backends.segments_of(response.trace_id), 0 if everything else 1)
    names = [(each["name"], [inner["name"] for inner in each["subsegments"]]) for each in documents]
    assert names == ([] if everything else [("Backend-Flask", ["inner"])])


def run_jobs(count: int) -> list[str]:
    """Run `count` jobs of two spans each outside any request; return their trace ids."""
    ids = []
    for _ in range(count):
        with tracer.start_as_current_span("job") as job, tracer.start_as_current_span("step"):
            ids.append(f"{job.get_span_context().trace_id:032x}")
    assert len(set(ids)) == count
    return ids


def test_spans_outside_requests_are_sampled_and_carry_their_rate(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule(0.25)})
    ids = run_and_flush_jobs(app, 300)
    sampled = {trace_id: rates(spans) for trace_id in ids if (spans := backends.spans(trace_id))}
    assert 40 < len(sampled) < 110  # 75 are expected: four and a half standard deviations either way
    assert [each for each in sampled.values() if each != {"job": 4, "step": 4}] == []
    assert wait_until(lambda: {each for each in ids if backends.segments_of(each)} == set(sampled))
    assert {each["subsegments"][0]["name"] for trace_id in sampled for each in backends.segments_of(trace_id)} == {
        "step"
    }


def test_keep_everything_includes_spans_outside_requests(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule(0.0), "HONEYCOMB_KEEP_EVERYTHING": "true"})
    exported = [rates(backends.spans(trace_id)) for trace_id in run_and_flush_jobs(app, 5)]
    assert exported == [{"job": None, "step": None}] * 5
    assert backends.segments == []


def run_and_flush_jobs(app: Flask, count: int) -> list[str]:
    ids = run_jobs(count)
    flush(app)
    return ids


def test_a_rule_on_path_and_method_matches_spans_outside_requests(make_app: AppFactory, backends: FakeBackends) -> None:
    narrow = {"HTTPMethod": "GET", "URLPath": "/api/*", "Host": "example.com", "ServiceName": "Backend-Flask"}
    app = make_app({**backends.honeycomb, "XRAY_SAMPLING_RULE": json.dumps(json.loads(rule(1.0)) | narrow)})
    [job] = run_and_flush_jobs(app, 1)
    assert len(backends.spans(job)) == 2


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("headers", [{}, {"traceparent": TRACEPARENT}])
def test_a_root_span_within_a_request_has_its_own_trace_id_and_decision(
    make_app: AppFactory, backends: FakeBackends, headers: Headers, *, sampled: bool
) -> None:
    app = make_app({**backends.honeycomb, "XRAY_SAMPLING_RULE": rule(1.0)})
    sampler = telemetry_of(app).sampler = FixedSampler(sampled=sampled, rate=5)
    recorder = SpanRecorder(app)

    @app.get("/detach")
    def detach() -> str:
        sampler.decision = Decision(sampled=True, rate=1, probability=1.0)
        tracer.start_span("detached", context=otel_context.Context()).end()
        return "done"

    response = get(app, "/detach", **headers)
    spans = {span.name: span for span in recorder.take()}
    assert set(spans) == ({"detached", "GET /detach"} if sampled else {"detached"})
    detached = spans["detached"].context
    assert detached is not None
    assert f"{detached.trace_id:032x}" != response.trace_id
    flush(app)
    assert rates(backends.spans(f"{detached.trace_id:032x}")) == {"detached": None}
