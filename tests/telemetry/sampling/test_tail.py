"""What fails or is slow always has its trace, whatever the sampling rule had decided, and counts stay right."""

from __future__ import annotations

import contextvars
import gc
import json
import logging
import random
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from statistics import mean, stdev
from typing import NamedTuple

import pytest
from flask import Flask
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import create_environ, run_wsgi_app

from flask_onetrace import telemetry as api
from flask_onetrace.telemetry.sampling.rule import Decision, LocalSampler
from flask_onetrace.telemetry.sampling.tail import TailSampler
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.sampling.samplers import REQUEST, FixedSampler, local_sampler
from tests.telemetry.tracing import TRACE, TRACEPARENT, SpanRecorder, flush, get, telemetry_of, wait_until

HOME = "/api/activities/home"
REQUESTS, FAILURES = 10_000, 137
SEEDS = range(20)
ONCE: dict[str, str] = {}
tracer = trace.get_tracer("tests")


def rule(rate: float, reservoir: int = 0) -> str:
    return json.dumps({"RuleName": "tests", "FixedRate": rate, "ReservoirSize": reservoir})


@pytest.fixture
def unsampled_app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    """An app with every sink on, whose rule samples nothing."""
    return make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule(0.0), "FAULT_ROUTES": "true"})


@pytest.mark.timeout(240)
def test_each_of_137_failures_among_10_000_requests_is_found_in_four_places(
    unsampled_app: Flask, backends: FakeBackends
) -> None:
    client = unsampled_app.test_client()
    failing = set(random.Random(7).sample(range(REQUESTS), FAILURES))
    ids = set()
    for number in range(REQUESTS):
        with client.get("/api/fault" if number in failing else HOME, buffered=True) as response:
            if number in failing:
                ids.add(response.headers["X-Trace-Id"])
                assert response.headers["traceresponse"].endswith("-03")
    telemetry = telemetry_of(unsampled_app)
    assert telemetry.flush(60)
    assert len(ids) == FAILURES
    for sink in ("honeycomb", "xray", "rollbar"):
        queue = telemetry.queue_of(sink)
        assert queue is not None
        assert queue.counts.delivered == FAILURES, sink
    assert wait_until(lambda: len(backends.segments) == FAILURES)
    for trace_id in ids:
        [span], [segment], [item] = backends.spans(trace_id), backends.segments_of(trace_id), backends.items(trace_id)
        assert span["status"]["code"] == "error"
        assert "SampleRate" not in span["attributes"]
        assert segment["fault"]
        assert [each["type"] for each in segment["cause"]["exceptions"]] == ["DeliberateError"]
        assert item["custom"]["span_id"] == span["span_id"] == segment["id"]
        traceback, access = backends.lines_of(trace_id)
        assert (traceback["level"], access["level"], access["sampled"]) == ("ERROR", "ERROR", 1)


def test_a_kept_request_shows_what_a_sampled_one_shows(make_app: AppFactory, backends: FakeBackends) -> None:
    documents = []
    for rate in (1.0, 0.0):
        app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule(rate), "FAULT_ROUTES": "true"})
        response = get(app, "/api/fault?a=1", traceparent=TRACEPARENT, user_agent="test", host="example.com:8080")
        flush(app)
        spans = [span for span in backends.spans(TRACE) if span["span_id"] == response.span_id]
        segments = eventually(
            lambda response=response: [each for each in backends.segments_of(TRACE) if each["id"] == response.span_id],  # type: ignore[misc]  # no lambda default
            1,
        )
        documents.append(without_changes({"spans": spans, "segments": segments}))
    assert documents[0] == documents[1]


def without_changes(document: object) -> object:
    """Return `document` without ids and times."""
    varying = {"span_id", "id", "start_ns", "end_ns", "start_time", "end_time", "rollbar.uuid", "rollbar.url"}
    varying |= {"rollbar_uuid", "rollbar_url", "time_ns"}
    if isinstance(document, dict):
        return {key: without_changes(value) for key, value in document.items() if key not in varying}
    return [without_changes(each) for each in document] if isinstance(document, list) else document


def test_a_slow_request_is_kept_from_the_bound_on(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule(0.0), "TAIL_SAMPLING_SLOW_SECONDS": "0.1"})

    @app.get("/sleep/<float:seconds>")
    def sleep(seconds: float) -> str:
        time.sleep(seconds)
        return "done"

    quick, slow = get(app, "/sleep/0.01"), get(app, "/sleep/0.15")
    flush(app)
    assert backends.spans(quick.trace_id) == []
    [span] = backends.spans(slow.trace_id)
    assert (span["name"], span["span_id"]) == ("GET /sleep/<float:seconds>", slow.span_id)
    assert span["end_ns"] - span["start_ns"] > 150_000_000
    [segment] = eventually(lambda: backends.segments_of(slow.trace_id), 1)
    assert "fault" not in segment
    [line] = backends.lines_of(slow.trace_id)
    assert line["sampled"] == 1
    assert not slow.sampled, "its headers had gone when it turned out to be slow"


def test_spans_that_the_exception_left_are_kept_with_their_parents_and_the_id_that_was_propagated(
    unsampled_app: Flask, backends: FakeBackends
) -> None:
    call_ids = []

    @unsampled_app.get("/nested")
    def nested() -> str:
        with tracer.start_as_current_span("recovered"), suppress(KeyError), api.span("attempt", number=1):
            ONCE["once"]
        with tracer.start_as_current_span("succeeded"):
            pass
        with (
            tracer.start_as_current_span("outer"),
            tracer.start_as_current_span("call", kind=trace.SpanKind.CLIENT) as call,
        ):
            call_ids.append(f"{call.get_span_context().span_id:016x}")
            raise ValueError("for good")

    response = get(unsampled_app, "/nested")
    flush(unsampled_app)
    spans = {span["name"]: span for span in backends.spans(response.trace_id)}
    server = "GET /nested"
    assert set(spans) == {server, "attempt", "outer", "call"}
    parents = {name: spans[name]["parent_span_id"] for name in ("attempt", "outer", "call")}
    ids = {name: span["span_id"] for name, span in spans.items()}
    assert parents == {"attempt": ids[server], "outer": ids[server], "call": ids["outer"]}
    assert [ids["call"]] == call_ids
    assert spans["attempt"]["attributes"]["number"] == 1
    assert [event["attributes"]["exception.type"] for event in spans["attempt"]["events"]] == ["KeyError"]
    for name, outer in (("call", "outer"), ("outer", server)):
        assert spans[outer]["start_ns"] <= spans[name]["start_ns"] <= spans[name]["end_ns"] <= spans[outer]["end_ns"]
    [segment] = eventually(lambda: backends.segments_of(response.trace_id), 1)
    assert {each["name"] for each in segment["subsegments"]} == {"attempt", "outer"}


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
@pytest.mark.parametrize("path", ["/fails", "/slow"])
def test_a_sampled_request_that_is_kept_anyway_stands_for_itself_with_all_its_spans(
    make_app: AppFactory, backends: FakeBackends, protocol: str, path: str
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "TAIL_SAMPLING_SLOW_SECONDS": "0.1"}
    app = make_app({**backends.environment, **variables})
    telemetry_of(app).sampler = FixedSampler(sampled=True, rate=20)

    @app.get("/fails")
    def fails() -> str:
        with tracer.start_as_current_span("inner"):
            pass
        flush(app)  # the inner span ended before the decision is final: it must not be sent yet
        raise ValueError

    @app.get("/slow")
    def slow() -> str:
        with tracer.start_as_current_span("inner"):
            pass
        flush(app)
        time.sleep(0.15)
        with tracer.start_as_current_span("late"):
            pass
        return "done"

    response, ordinary = get(app, path), get(app, HOME)
    flush(app)
    rates = {span["name"]: span["attributes"].get("SampleRate") for span in backends.spans(response.trace_id)}
    assert set(rates.values()) == {None}
    assert len(rates) == (2 if path == "/fails" else 3)
    assert {span["attributes"]["SampleRate"] for span in backends.spans(ordinary.trace_id)} == {20}


def test_spans_of_a_slow_request_do_not_wait_for_its_end(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.honeycomb, "TAIL_SAMPLING_SLOW_SECONDS": "0.1"})
    telemetry_of(app).sampler = FixedSampler(sampled=True, rate=20)
    exports: list[list[Document]] = []

    @app.get("/stream")
    def stream() -> str:
        with tracer.start_as_current_span("early"):
            pass
        time.sleep(0.15)
        with tracer.start_as_current_span("late"):
            pass
        flush(app)
        exports.append(backends.spans(api.trace_id() or ""))
        return "done"

    get(app, "/stream")
    assert sorted(span["name"] for span in exports[0]) == ["early", "late"]


def test_where_honeycomb_keeps_everything_x_ray_gets_what_fails_with_its_subsegments(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    variables = {"XRAY_SAMPLING_RULE": rule(0.0), "HONEYCOMB_KEEP_EVERYTHING": "true"}
    app = make_app({**backends.environment, **variables})

    @app.get("/fails")
    def fails() -> str:
        with api.span("inner"):
            api.annotate(order=7)
        raise ValueError

    failed, succeeded = get(app, "/fails"), get(app, HOME)
    flush(app)
    [segment] = eventually(lambda: backends.segments_of(failed.trace_id), 1)
    [inner] = segment["subsegments"]
    assert (inner["name"], inner["annotations"]["order"]) == ("inner", 7)
    assert backends.segments_of(succeeded.trace_id) == []
    for response in (failed, succeeded):
        assert {"SampleRate" in span["attributes"] for span in backends.spans(response.trace_id)} == {False}


def test_what_a_failing_request_calls_after_its_decision_joins_its_trace(
    unsampled_app: Flask, backends: FakeBackends
) -> None:
    outgoing: list[dict[str, str]] = []

    def call() -> str:
        headers: dict[str, str] = {}
        with tracer.start_as_current_span("call", kind=trace.SpanKind.CLIENT):
            propagate.inject(headers)
        outgoing.append(headers)
        return "piece"

    @unsampled_app.get("/fails")
    def fails() -> tuple[Iterator[str], int]:
        call()
        return (call() for _ in range(1)), 503

    response = get(unsampled_app, "/fails")
    flush(unsampled_app)
    [span] = backends.spans(response.trace_id)
    before, after = (headers["traceparent"].split("-") for headers in outgoing)
    assert (before[3], after[3]) == ("02", "03")
    assert before[2] != after[2] == span["span_id"], "the id that was propagated is that of a span that exists"


@pytest.mark.parametrize("rate", [0, 1, 20], ids=["not sampled", "sampled", "one in twenty"])
def test_a_failure_whose_client_has_left_stays_a_failure(
    make_app: AppFactory, backends: FakeBackends, rate: int
) -> None:
    app = make_app(backends.environment)
    telemetry_of(app).sampler = FixedSampler(sampled=rate > 0, rate=rate)

    @app.get("/gone")
    def gone() -> tuple[str, int]:
        return "bad", 503

    response = app.test_client().get("/gone")
    trace_id = response.headers["X-Trace-Id"]
    response.close()
    flush(app)
    [span] = backends.spans(trace_id)
    assert (span["status"]["code"], span["attributes"]["http.response.status_code"]) == ("error", 503)
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert segment["fault"]
    [line] = backends.lines_of(trace_id)
    assert (line["status"], line["sampled"], line["aborted"]) == (503, 1, "client_disconnected")


@pytest.mark.parametrize("rate", [1, 20])
def test_a_handler_may_end_the_server_span_itself(make_app: AppFactory, backends: FakeBackends, rate: int) -> None:
    app = make_app(backends.environment)
    telemetry_of(app).sampler = FixedSampler(sampled=True, rate=rate)

    @app.get("/end")
    def end() -> str:
        with tracer.start_as_current_span("child"):
            pass
        trace.get_current_span().end()
        return "done"

    response = get(app, "/end")
    flush(app)
    assert len(backends.spans(response.trace_id)) == 2
    assert wait_until(lambda: "Backend-Flask" in {each["name"] for each in backends.segments_of(response.trace_id)})


def test_kept_spans_have_ids_and_parents_of_their_own(unsampled_app: Flask, backends: FakeBackends) -> None:
    @unsampled_app.get("/calls")
    def calls() -> str:
        with (
            tracer.start_as_current_span("call", kind=trace.SpanKind.CLIENT),
            tracer.start_as_current_span("explicit", context=otel_context.get_current()),
            tracer.start_as_current_span("within"),
        ):
            raise ValueError

    response = get(unsampled_app, "/calls")
    flush(unsampled_app)
    spans = {span["name"]: span for span in backends.spans(response.trace_id)}
    names = ["GET /calls", "call", "explicit", "within"]
    assert sorted(spans) == sorted(names)
    for outer, inner in pairwise(names):
        assert spans[inner]["parent_span_id"] == spans[outer]["span_id"]
    assert len({span["span_id"] for span in spans.values()}) == 4


def test_spans_that_failed_in_threads_side_by_side_are_siblings(unsampled_app: Flask, backends: FakeBackends) -> None:
    @unsampled_app.get("/threads")
    def threads() -> str:
        has_begun, may_end = threading.Event(), threading.Event()

        def work(name: str, wait: threading.Event, done: threading.Event) -> None:
            with suppress(ValueError), tracer.start_as_current_span(name):
                done.set()
                assert wait.wait(10)
                raise ValueError
            may_end.set()

        workers = [
            threading.Thread(target=contextvars.copy_context().run, args=(work, *arguments))
            for arguments in (("long", may_end, has_begun), ("short", has_begun, threading.Event()))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        raise ValueError

    response = get(unsampled_app, "/threads")
    flush(unsampled_app)
    parents = {span["name"]: span["parent_span_id"] for span in backends.spans(response.trace_id)}
    assert (parents["long"], parents["short"]) == (response.span_id, response.span_id)


def test_a_kept_request_is_freed_though_its_context_is_not(
    unsampled_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest's log handlers would keep the exception.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    contexts, refs = [], []

    class Thing:
        pass

    @unsampled_app.get("/held")
    def held() -> str:
        contexts.append(contextvars.copy_context())
        thing = Thing()
        refs.append(weakref.ref(thing))
        with tracer.start_as_current_span("inner"):
            raise ValueError

    def fail_later() -> None:
        thing = Thing()
        refs.append(weakref.ref(thing))
        with suppress(ValueError), tracer.start_as_current_span("later"):
            raise ValueError

    get(unsampled_app, "/held")
    contexts[0].run(fail_later)
    flush(unsampled_app)
    gc.collect()
    assert [each() for each in refs] == [None, None]


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("host", ["example.com", None])
def test_what_proxy_fix_replaces_beneath_is_not_shown(
    backends: FakeBackends, make_app: AppFactory, host: str | None, *, outside: bool
) -> None:
    attributes = []
    for rate in (1.0, 0.0):
        app = make_app({**backends.honeycomb, "XRAY_SAMPLING_RULE": rule(rate), "FAULT_ROUTES": "true"})
        if outside:
            app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents
        else:
            app.untraced_wsgi_app = ProxyFix(app.untraced_wsgi_app)  # type: ignore[attr-defined]  # beneath
        environ = create_environ("/api/fault", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"})
        environ["HTTP_HOST"] = host
        if host is None:
            del environ["HTTP_HOST"]
        _, _, headers = run_wsgi_app(app, environ, buffered=True)
        trace_id = headers["X-Trace-Id"]
        flush(app)
        [span] = backends.spans(trace_id)
        attributes.append({name: value for name, value in span["attributes"].items() if not name.startswith("rollbar")})
    assert attributes[0] == attributes[1]
    assert attributes[0]["url.scheme"] == ("https" if outside else "http")


def test_another_thread_that_ends_a_request_waits_for_its_decision(
    unsampled_app: Flask, backends: FakeBackends
) -> None:
    telemetry = telemetry_of(unsampled_app)
    decide, is_deciding = telemetry.tail.decide, threading.Event()

    def slowly(head: Decision) -> Decision:
        is_deciding.set()
        time.sleep(0.2)
        return decide(head)

    telemetry.tail.decide = slowly  # type: ignore[method-assign]  # the same, later

    def abandon() -> None:
        assert is_deciding.wait(10)
        telemetry.open_requests.abandon("timeout")

    thread = threading.Thread(target=abandon)
    thread.start()
    response = get(unsampled_app, "/api/fault")
    thread.join()
    flush(unsampled_app)
    assert response.sampled
    assert len(backends.spans(response.trace_id)) == 1


@pytest.mark.parametrize("limit", ["0", "3"])
def test_beyond_the_limit_the_rule_decides_and_it_is_counted_and_said(
    make_app: AppFactory, backends: FakeBackends, caplog: pytest.LogCaptureFixture, limit: str
) -> None:
    variables = {"XRAY_SAMPLING_RULE": rule(0.0), "TAIL_SAMPLING_PER_SECOND": limit, "FAULT_ROUTES": "true"}
    app = make_app({**backends.environment, **variables})
    tail = telemetry_of(app).tail = TailSampler(int(limit), clock=lambda: 5.0, draw=random.Random(1).random)
    traces = [get(app, "/api/fault").trace_id for _ in range(100)]
    flush(app)
    spans = [span for trace_id in traces for span in backends.spans(trace_id)]
    weights = [span["attributes"].get("SampleRate", 1) for span in spans]
    lines = [
        line for trace_id in traces for line in backends.lines_of(trace_id) if line["logger"] == "flask_onetrace.access"
    ]
    assert sum(line["sampled"] for line in lines) == len(spans)
    if limit == "0":
        assert (spans, tail.kept, tail.not_kept) == ([], 0, 0)
        return
    assert weights[:3] == [1, 1, 1]
    assert len(weights) < 20
    assert (tail.kept, tail.not_kept) == (len(weights), 100 - len(weights))
    assert telemetry_of(app).sampling_detail()["over_limit"] == 100 - len(weights)
    warnings = [
        record.getMessage() for record in caplog.records if record.name == "flask_onetrace.telemetry.sampling.tail"
    ]
    assert len(warnings) == 1
    assert "TAIL_SAMPLING_PER_SECOND=3" in warnings[0]


class Traffic(NamedTuple):
    """What is true of a stream of requests, or is estimated from what was kept of it."""

    requests: float
    errors: float
    seconds: float


def stream(seed: int, storm: bool) -> Iterator[tuple[float, bool, float]]:  # noqa: FBT001 - the case
    """Yield the requests of some seconds: when each arrives, whether it fails, how long it takes."""
    source = random.Random(seed)
    for second in range(20):
        is_storm = storm and second % 5 < 2
        for number in range(200):
            fails = source.random() < (0.9 if is_storm else 0.01)
            yield second + number / 200, fails, source.expovariate(1 / 0.2)


@pytest.mark.parametrize("storm", [False, True], ids=["a few failures", "storms"])
@pytest.mark.parametrize("rate", [0.0, 0.03, 0.3, 0.75])
@pytest.mark.parametrize("reservoir", [0, 1])
def test_estimates_of_traffic_errors_and_latency_are_unbiased(*, rate: float, reservoir: int, storm: bool) -> None:
    ratios: list[Traffic] = []
    for seed in SEEDS:
        draws, now = random.Random(1000 + seed).random, [0.0]
        head = local_sampler(rate, reservoir, draws)
        head._clock = lambda now=now: now[0]  # type: ignore[misc]  # no lambda default
        tail = TailSampler(10, clock=lambda now=now: now[0], draw=draws)  # type: ignore[misc]  # as above
        actual, estimate = [0.0] * 3, [0.0] * 3
        for at, fails, seconds in stream(seed, storm):
            now[0] = at
            is_kept = fails or seconds >= 1.0
            if rate == 0 and not (is_kept or reservoir):
                continue  # nothing speaks for these
            decision = decide(head, tail, is_kept=is_kept)
            for index, value in enumerate((1.0, float(fails), seconds)):
                if rate == 0 and not is_kept:
                    continue
                actual[index] += value
                estimate[index] += value * decision.rate * decision.sampled
        ratios.append(Traffic(*(found / true for found, true in zip(estimate, actual, strict=True))))
    for name in Traffic._fields:
        values = [getattr(each, name) for each in ratios]
        error = stdev(values) / len(values) ** 0.5
        assert abs(mean(values) - 1) <= 4 * error + 1e-9, (name, mean(values), error)


def decide(head: LocalSampler, tail: TailSampler, *, is_kept: bool) -> Decision:
    decision = head.decide(REQUEST)
    return tail.decide(decision) if is_kept else decision


@pytest.mark.parametrize("failures", [200, 2_000])
def test_a_storm_keeps_about_the_limit_a_second(failures: int) -> None:
    now = [0.0]
    tail = TailSampler(10, clock=lambda: now[0], draw=random.Random(3).random)
    counts: Counter[int] = Counter()
    for second in range(30):
        for number in range(failures):
            now[0] = second + number / failures
            counts[second] += tail.decide(Decision(sampled=False, rate=0, probability=0.0)).sampled
    assert counts[0] < 60
    assert mean(counts[second] for second in range(1, 30)) < 20


def test_through_the_app_the_spans_that_honeycomb_gets_estimate_all_requests(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    # A fast machine sends all of them in one second.
    unlimited = {"TAIL_SAMPLING_PER_SECOND": "2000", "LOG_CONSOLE": "false"}
    app = make_app({**backends.honeycomb, **unlimited, "XRAY_SAMPLING_RULE": rule(0.3)})
    recorder = SpanRecorder(app)
    source = random.Random(5)

    @app.get("/maybe/<int:status>")
    def maybe(status: int) -> tuple[str, int]:
        return "", status

    statuses = [500 if source.random() < 0.1 else 200 for _ in range(2_000)]
    for status in statuses:
        get(app, f"/maybe/{status}")
    spans = recorder.take()
    weights = dict.fromkeys((200, 500), 0)
    for span in spans:
        attributes = span.attributes or {}
        weights[int(str(attributes["http.response.status_code"]))] += span.sampling.rate  # type: ignore[attr-defined]  # our own spans
    assert weights[500] == statuses.count(500)
    assert abs(weights[200] / statuses.count(200) - 1) < 0.15
