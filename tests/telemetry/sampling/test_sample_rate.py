"""One decision for both tracers; each span states how many it stands for, so Honeycomb's counts stay right."""

from __future__ import annotations

import json
import threading

import pytest
from flask import Flask
from opentelemetry import context as otel_context
from opentelemetry import trace

from service.telemetry.sampling.rule import LocalSampler
from tests.telemetry.backends import Document, Observatory, eventually
from tests.telemetry.conftest import AppMaker
from tests.telemetry.sampling.fixed_decision import Saying, flushed, local
from tests.telemetry.tracing import PARENT, TRACE, TRACEPARENT, Headers, Kept, ask, telemetry_of, until

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
        (local(0.25, 0, lambda: 0.2), 4),
        (local(0.1, 0, lambda: 0.0), 10),
        (local(0.3, 0, lambda: 0.0), 3),
        (local(1.0, 0, lambda: 0.9), None),
        (local(0.1, 10, lambda: 0.9), None),
    ],
    ids=["a quarter", "a tenth", "three tenths", "all", "reservoir"],
)
def test_each_span_states_how_many_it_stands_for(
    make_app: AppMaker, observatory: Observatory, protocol: dict[str, str], sampler: LocalSampler, expected: int | None
) -> None:
    app = make_app({**observatory.environment, **protocol})
    telemetry_of(app).sampler = sampler
    answer = ask(app, HOME)
    spans = eventually(lambda: observatory.spans(answer.trace_id), 2)
    assert rates(spans) == {f"GET {HOME}": expected, "HomeActivities-MockData": expected}
    [segment] = eventually(lambda: observatory.segments_of(answer.trace_id), 1)
    assert "SampleRate" not in json.dumps(segment)


def test_protobuf_says_the_same_as_json_with_the_rate_beside(make_app: AppMaker, observatory: Observatory) -> None:
    told: list[list[Document]] = []
    for name in ("http/json", "http/protobuf"):
        app = make_app({**observatory.honeycomb, "OTEL_EXPORTER_OTLP_PROTOCOL": name, "FAULT_ROUTES": "true"})
        telemetry_of(app).sampler = Saying(sampled=True, rate=7)
        answer = ask(app, "/api/fault", traceparent=TRACEPARENT)
        flushed(app)
        told.append([span for span in observatory.spans(TRACE) if span["span_id"] == answer.span_id])
    changing = {"span_id", "start_ns", "end_ns", "events"}
    first, second = ({key: value for key, value in span.items() if key not in changing} for [span] in told)
    assert first == second
    assert first["attributes"]["SampleRate"] == 7
    assert first["parent_span_id"] == PARENT
    assert [[event["name"] for event in span["events"]] for [span] in told] == [["exception"]] * 2


@pytest.mark.parametrize("sampled", [True, False])
def test_with_everything_kept_honeycomb_has_all_and_xray_what_the_rule_takes(
    make_app: AppMaker, observatory: Observatory, protocol: dict[str, str], *, sampled: bool
) -> None:
    app = make_app({**observatory.environment, **protocol, "HONEYCOMB_KEEP_EVERYTHING": "true"})
    telemetry_of(app).sampler = Saying(sampled=sampled, rate=10 if sampled else 0)
    answer = ask(app, HOME)
    flushed(app)
    assert rates(observatory.spans(answer.trace_id)) == {f"GET {HOME}": None, "HomeActivities-MockData": None}
    assert len(eventually(lambda: observatory.segments_of(answer.trace_id), int(sampled))) == int(sampled)
    assert len(observatory.lines_of(answer.trace_id)) == 1
    assert answer.sampled


@pytest.mark.parametrize("everything", [False, True])
def test_a_span_that_ends_on_another_thread_follows_its_parent(
    make_app: AppMaker, observatory: Observatory, *, everything: bool
) -> None:
    app = make_app({**observatory.environment, "HONEYCOMB_KEEP_EVERYTHING": str(everything).lower()})
    telemetry_of(app).sampler = Saying(sampled=not everything, rate=6)

    @app.get("/elsewhere")
    def elsewhere() -> str:
        inner = tracer.start_span("inner")
        thread = threading.Thread(target=inner.end)
        thread.start()
        thread.join()
        return "done"

    answer = ask(app, "/elsewhere")
    flushed(app)
    expected = None if everything else 6
    assert rates(observatory.spans(answer.trace_id)) == {"GET /elsewhere": expected, "inner": expected}
    documents = eventually(lambda: observatory.segments_of(answer.trace_id), 0 if everything else 2)
    assert {each["name"] for each in documents} == (set() if everything else {"Backend-Flask", "inner"})


def jobs(count: int) -> list[str]:
    """Run `count` jobs of two spans each outside any request; return their trace ids."""
    ids = []
    for _ in range(count):
        with tracer.start_as_current_span("job") as job, tracer.start_as_current_span("step"):
            ids.append(f"{job.get_span_context().trace_id:032x}")
    assert len(set(ids)) == count
    return ids


def test_spans_outside_requests_follow_the_rule_and_state_it(make_app: AppMaker, observatory: Observatory) -> None:
    app = make_app({**observatory.environment, "XRAY_SAMPLING_RULE": rule(0.25)})
    ids = _flushed_jobs(app, 300)
    kept = {trace_id: rates(spans) for trace_id in ids if (spans := observatory.spans(trace_id))}
    assert 40 < len(kept) < 110  # 75 are expected: four and a half standard deviations either way
    assert [found for found in kept.values() if found != {"job": 4, "step": 4}] == []
    assert until(lambda: {each for each in ids if len(observatory.segments_of(each)) == 2} == set(kept))
    assert {each for each in ids if observatory.segments_of(each)} == set(kept)


def test_with_everything_kept_spans_outside_requests_are_too(make_app: AppMaker, observatory: Observatory) -> None:
    app = make_app({**observatory.environment, "XRAY_SAMPLING_RULE": rule(0.0), "HONEYCOMB_KEEP_EVERYTHING": "true"})
    found = [rates(observatory.spans(trace_id)) for trace_id in _flushed_jobs(app, 5)]
    assert found == [{"job": None, "step": None}] * 5
    assert observatory.segments == []


def _flushed_jobs(app: Flask, count: int) -> list[str]:
    ids = jobs(count)
    flushed(app)
    return ids


def test_a_rule_for_paths_and_methods_takes_spans_outside_requests(
    make_app: AppMaker, observatory: Observatory
) -> None:
    narrow = {"HTTPMethod": "GET", "URLPath": "/api/*", "Host": "example.com", "ServiceName": "Backend-Flask"}
    app = make_app({**observatory.honeycomb, "XRAY_SAMPLING_RULE": json.dumps(json.loads(rule(1.0)) | narrow)})
    [job] = _flushed_jobs(app, 1)
    assert len(observatory.spans(job)) == 2


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("headers", [{}, {"traceparent": TRACEPARENT}])
def test_a_root_span_within_a_request_has_an_id_and_a_decision_of_its_own(
    make_app: AppMaker, observatory: Observatory, headers: Headers, *, sampled: bool
) -> None:
    app = make_app({**observatory.honeycomb, "XRAY_SAMPLING_RULE": rule(1.0)})
    telemetry_of(app).sampler = Saying(sampled=sampled, rate=5)
    kept = Kept(app)

    @app.get("/detach")
    def detach() -> str:
        tracer.start_span("detached", context=otel_context.Context()).end()
        return "done"

    answer = ask(app, "/detach", **headers)
    spans = {span.name: span for span in kept.take()}
    assert set(spans) == ({"detached", "GET /detach"} if sampled else {"detached"})
    detached = spans["detached"].context
    assert detached is not None
    assert f"{detached.trace_id:032x}" != answer.trace_id
    flushed(app)
    assert rates(observatory.spans(f"{detached.trace_id:032x}")) == {"detached": None}
