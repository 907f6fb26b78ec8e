"""Many error items of one cause leave room for others, whatever a client varies."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Iterator
from typing import NoReturn

import pytest
import rollbar
from flask import Flask, request

from flask_onetrace.telemetry.redaction import REDACTED
from flask_onetrace.telemetry.sinks.rollbar import causes, queue
from flask_onetrace.telemetry.sinks.rollbar.causes import BURST, MAX_CAUSES, Cause, CauseBudget, Grant
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id
from tests.telemetry.sinks.rollbar.items import ReprProbe, add_failing_route, item_of, queue_counts, raise_
from tests.telemetry.tracing import telemetry_of


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_cause_has_a_burst_and_then_one_item_a_second_which_counts_those_left_out() -> None:
    clock = Clock()
    budget, cause = CauseBudget(clock), Cause("ValueError", "app.py", 1)
    assert budget.spend(cause) == Grant(is_first=True, left_out=0)
    assert [budget.spend(cause) for _ in range(BURST - 1)] == [Grant(is_first=False, left_out=0)] * (BURST - 1)
    assert [budget.spend(cause) for _ in range(7)] == [None] * 7
    assert budget.spend(Cause("ValueError", "app.py", 2)) == Grant(is_first=True, left_out=0)
    clock.seconds += 1
    assert budget.spend(cause) == Grant(is_first=False, left_out=7)
    assert budget.spend(cause) is None


def test_the_table_of_causes_is_bounded_and_forgets_the_oldest() -> None:
    budget = CauseBudget(Clock())
    for number in range(3 * MAX_CAUSES):
        budget.spend(Cause("E", "app.py", number))
    assert len(budget._buckets) == MAX_CAUSES
    assert budget.spend(Cause("E", "app.py", 3 * MAX_CAUSES - 1)) == Grant(is_first=False, left_out=0)
    assert budget.spend(Cause("E", "app.py", 0)) == Grant(is_first=True, left_out=0)


@pytest.fixture
def flood_app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    app = make_app({**backends.environment, "FAULT_ROUTES": "true"})

    @app.get("/text/<text>")
    def text(text: str) -> NoReturn:
        raise ValueError(text)

    @app.get("/line/<int:line>")
    def line(line: int) -> NoReturn:
        exec(compile("\n" * line + "raise LookupError('a line of many')", f"shop{line}.py", "exec"))  # noqa: S102 - an error of its own for each line
        raise AssertionError

    return app


@pytest.mark.parametrize("flood", ["/rollbar/test", "/api/fault", "/text/{}"])
def test_a_flood_of_one_cause_costs_no_item_of_another(flood: str, flood_app: Flask, backends: FakeBackends) -> None:
    client, start = flood_app.test_client(), time.monotonic()
    for number in range(300):
        client.get(flood.format(number), buffered=True)
    trace_ids = [get_trace_id(flood_app, f"/line/{number}", 500) for number in range(20)]
    assert telemetry_of(flood_app).flush(60)
    assert [len(backends.items(trace_id)) for trace_id in trace_ids] == [1] * 20
    counts, seconds = queue_counts(flood_app), time.monotonic() - start
    assert 300 - BURST - seconds <= counts.dropped_repeated <= 300 - BURST
    assert (counts.dropped_full, counts.dropped_failed) == (0, 0)


def test_what_is_left_out_is_counted_in_the_next_item_and_in_the_detail_and_is_still_an_error_on_its_span(
    flood_app: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "RATE", 0.0)
    for _ in range(BURST):
        get_trace_id(flood_app, "/api/fault", 500)
    left_out = [get_trace_id(flood_app, "/api/fault", 500) for _ in range(3)]
    monkeypatch.setattr(causes, "RATE", 1e9)
    next_id = get_trace_id(flood_app, "/api/fault", 500)
    assert item_of(backends, next_id)["custom"]["repeats_left_out"] == 3
    assert telemetry_of(flood_app).sink("rollbar").detail()["dropped"]["repeated"] == 3
    [span] = eventually(lambda: backends.spans(left_out[0]), 1)
    assert span["status"]["code"] == "error"
    assert "rollbar.uuid" not in span["attributes"]
    levels = {line["level"] for line in eventually(lambda: backends.lines_of(left_out[0]), 2)}
    assert levels == {"ERROR"}
    assert backends.items(left_out[0]) == []


def test_in_an_outage_a_thousand_causes_leave_a_place_for_one_more(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    unreachable = {**backends.rollbar, "ROLLBAR_ENDPOINT": "http://127.0.0.1:9/api/1/", "LOG_CONSOLE": "false"}
    app = make_app({**unreachable, "TELEMETRY_SHUTDOWN_DEADLINE": "0.5"})
    items = telemetry_of(app).queue_of("rollbar")
    assert isinstance(items, queue.ItemQueue)
    for number in range(1_000):
        for _ in range(2):
            with app.app_context():
                items.put_payload(payload(number))
    assert items.counts.dropped_full > 0
    before = items.queued
    items.put_payload(payload(5_000))
    assert items.queued == before + 1
    assert items.queued_bytes <= items.max_bytes + queue._BUILD_BYTES


def payload(line: int) -> dict[str, object]:
    frames = [{"filename": "shop.py", "lineno": line, "method": "buy", "code": "raise"}]
    trace = {"frames": frames, "exception": {"class": "ValueError", "message": "x"}}
    return {"data": {"uuid": str(line), "body": {"trace": trace}, "level": "error"}}


def test_messages_of_one_place_are_one_cause_and_those_of_another_place_another(
    rollbar_app: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "RATE", 0.0)

    @rollbar_app.get("/messages")
    def messages() -> str:
        for number in range(BURST + 5):
            rollbar.report_message(f"chosen by a client: {number}", "warning")
        rollbar.report_message("elsewhere", "warning")
        return ""

    trace_id = get_trace_id(rollbar_app, "/messages")
    bodies = [item["body"]["message"]["body"] for item in eventually(lambda: backends.items(trace_id), BURST + 1)]
    assert len(bodies) == BURST + 1
    assert "elsewhere" in bodies
    assert queue_counts(rollbar_app).dropped_repeated == 5


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    release = threading.Event()
    yield release
    release.set()


def test_frames_that_wait_are_dropped_after_a_while_though_application_code_hangs(
    rollbar_app: Flask,
    backends: FakeBackends,
    hanging: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # pytest's log capture keeps records, and with them tracebacks.
    caplog.set_level(logging.CRITICAL, rollbar_app.logger.name)
    kept: list[weakref.ref[ReprProbe]] = []
    reading = threading.Event()

    def read() -> str:
        reading.set()
        return str(hanging.wait(20))

    def fail() -> NoReturn:
        probe = ReprProbe(read)
        kept.append(weakref.ref(probe))
        raise RuntimeError("its local variable hangs when it is read")

    add_failing_route(rollbar_app, fail)
    first = get_trace_id(rollbar_app, "/raising", 500)
    assert reading.wait(10)
    monkeypatch.setattr(queue, "_MAX_FRAME_SECONDS", 0.1)
    second = get_trace_id(rollbar_app, "/raising", 500)

    def freed() -> list[dict[str, object]]:
        gc.collect()
        return [{}] if kept[1]() is None else []

    assert eventually(freed, 1)
    hanging.set()
    assert item_of(backends, second)["custom"]["left_out"] == "local variables: too many errors at once"
    assert item_of(backends, first)


def test_the_body_that_a_handler_has_not_read_is_not_read_by_the_sdk_either(
    rollbar_app: Flask, backends: FakeBackends
) -> None:
    class NeverEnding:
        reads = 0

        def read(self, *_: object) -> bytes:
            self.reads += 1
            raise AssertionError("a client that never sends its body")

        readline = readlines = __iter__ = read

    @rollbar_app.post("/message")
    def message() -> NoReturn:
        rollbar.report_message("unread", "warning", request=request)
        try:
            raise_(KeyError("x"))
        except KeyError:
            rollbar.report_exc_info(request=request)
        raise_(ValueError("unread"))

    for content_type in ("application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"):
        body = NeverEnding()
        environ = {"wsgi.input": body, "CONTENT_LENGTH": "20", "CONTENT_TYPE": content_type}
        response = rollbar_app.test_client().post("/message", environ_overrides=environ, buffered=True)
        items = eventually(lambda: backends.items(response.headers["X-Trace-Id"]), 3)  # noqa: B023 - called at once
        assert [item["request"]["POST"] for item in items] == [{}, {}, {}]
        assert body.reads == 0


def test_the_json_that_a_handler_has_read_is_in_the_item_and_a_large_one_is_not(
    rollbar_app: Flask, backends: FakeBackends
) -> None:
    @rollbar_app.post("/json")
    def json() -> str:
        assert request.get_json()
        raise LookupError("no such order")

    client = rollbar_app.test_client()
    small = client.post("/json", json={"order": 7, "password": "p"}, buffered=True).headers["X-Trace-Id"]
    large = client.post("/json", json={"text": "x" * 100_000}, buffered=True).headers["X-Trace-Id"]
    body = item_of(backends, small)["request"]["body"]
    assert body["order"] == 7
    assert body["password"] == REDACTED
    assert "body" not in item_of(backends, large)["request"]
