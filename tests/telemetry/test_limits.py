"""What telemetry keeps of a request is bounded, whatever the client sends and the handler does."""

from __future__ import annotations

import json
import logging
import tracemalloc
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from flask_onetrace import telemetry
from flask_onetrace.telemetry import EXTENSION, RequestScope, current_scope
from flask_onetrace.telemetry.log_lines import LineFormat, LogLine, capture, encode
from flask_onetrace.telemetry.redaction.limits import MAX_MESSAGE, MAX_PATH, MAX_QUERY, MAX_TEXT, MAX_USER_AGENT
from flask_onetrace.telemetry.spans.exceptions import MAX_TRACEBACK, ExceptionSnapshot
from flask_onetrace.telemetry.spans.span import LightSpan
from tests.cpu_time import CONSTANT, growth
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory

LARGE = 50_000_000
MIB = 1024 * 1024


class LargeTextError(Exception):
    def __str__(self) -> str:
        return str(self.args[0])


def large_message(size: int) -> NoReturn:
    raise RuntimeError("x" * size)


def large_key(size: int) -> NoReturn:
    raise KeyError("x" * size)


def large_text(size: int) -> NoReturn:
    raise LargeTextError("x" * size)


def large_notes(size: int) -> NoReturn:
    error = RuntimeError("refused")
    for _ in range(1_000):
        error.add_note("x" * (size // 1_000))
    raise error


def large_group(size: int) -> NoReturn:
    raise ExceptionGroup("many", [ValueError(str(number)) for number in range(size)])


def long_chain(size: int) -> NoReturn:
    error: Exception = ValueError("first")
    for number in range(size):
        effect = RuntimeError(f"number {number}")
        effect.__cause__, error = error, effect
    raise error


Fail = Callable[[int], NoReturn]
FAILURES: dict[Fail, int] = {
    large_message: LARGE,
    large_key: LARGE,
    large_text: LARGE,
    large_notes: LARGE,
    large_group: 10_000,
    long_chain: 10_000,
}


def raised(fail: Fail, size: int) -> Exception:
    try:
        fail(size)
    except Exception as error:  # noqa: BLE001 - any exception
        return error


def snapshot_of(error: Exception) -> ExceptionSnapshot:
    return ExceptionSnapshot(error, error.__traceback__)


@pytest.mark.parametrize("fail", FAILURES)
def test_a_large_exception_has_a_small_snapshot(fail: Fail) -> None:
    snapshot = snapshot_of(raised(fail, FAILURES[fail]))
    assert snapshot.size < 300_000
    assert len(snapshot.text()) <= MAX_TRACEBACK
    assert len(snapshot.message) <= MAX_TEXT
    assert "…" in snapshot.text()


@pytest.mark.parametrize("fail", FAILURES)
def test_the_snapshot_of_a_larger_exception_takes_no_longer(fail: Fail) -> None:
    assert growth(snapshot_of, lambda size: raised(fail, size), FAILURES[fail]) < CONSTANT


@pytest.mark.parametrize("fail", FAILURES)
def test_a_large_exception_costs_no_other_request_its_span(
    fail: Fail, honeycomb_app: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(honeycomb_app.logger, "disabled", True)  # pytest would format Flask's own line
    honeycomb_app.add_url_rule("/raising", "raising", lambda: fail(FAILURES[fail]))
    client = honeycomb_app.test_client()
    paths = ["/api/activities/home", "/raising", "/api/activities/home"]
    trace_ids = [client.get(path, buffered=True).headers["X-Trace-Id"] for path in paths]
    assert honeycomb_app.extensions[EXTENSION].flush(30)
    spans = [backends.spans(trace_id) for trace_id in trace_ids]
    assert [bool(each) for each in spans] == [True, True, True]
    assert len(json.dumps(spans[1])) < 100_000


def test_the_scope_of_a_request_that_has_ended_keeps_nothing_that_is_not_sent(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.environment, "TRUST_USER_HEADER": "true"})
    scopes: list[RequestScope] = []
    spans: list[LightSpan] = []

    @app.get("/<path:_>")
    def view(_: str) -> str:
        scope = current_scope()
        assert isinstance(scope, RequestScope)
        assert isinstance(scope.span, LightSpan)
        scopes.append(scope)
        spans.append(scope.span)
        return "ok"

    headers = {
        "User-Agent": "a" * 8_000,
        "X-Forwarded-For": "f" * 8_000,
        "X-Cruddur-User": "u" * 8_000,
        "Host": "h" * 63,
        "traceparent": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
        "tracestate": ",".join(f"k{number}={'v' * 200}" for number in range(30)),
        "baggage": "b=" + "b" * 8_000,
    }
    environ = {"PATH_INFO": "/" + "p" * 4_000, "QUERY_STRING": "q=" + "q" * 8_000}
    response = app.test_client().get("/", headers=headers, environ_overrides=environ, buffered=True)
    assert response.status_code == 200
    [scope], [span] = scopes, spans
    assert scope.tracestate is None
    assert not isinstance(scope.span, LightSpan)
    assert scope.span.span_id == span.span_id
    assert "b" * 100 not in str(dict(scope.context()))
    assert len(scope.path) == MAX_PATH
    assert scope.size < 8_000
    lengths = {key: len(value) for key, value in span.raw_attributes.items() if isinstance(value, str)}
    assert lengths["url.path"] == MAX_PATH
    assert lengths["url.query"] == MAX_QUERY
    assert lengths["user_agent.original"] == MAX_USER_AGENT
    assert max(lengths["client.address"], lengths["server.address"], lengths["user.id"]) <= 256
    assert sum(lengths.values()) < span.size + 2_000 < 12_000


def test_what_a_handler_adds_is_bounded(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment})
    endless: dict[str, Any] = {}
    endless["itself"] = endless

    @app.get("/large")
    def large() -> str:
        telemetry.annotate(note="n" * 100_000)
        with xray_recorder.in_subsegment("s" * 100_000) as subsegment:
            subsegment.put_metadata("m", {"text": "m" * LARGE, "list": list(range(100_000)), "endless": endless})
            subsegment.put_annotation("a", "a" * 100_000)
        with trace.get_tracer("shop").start_as_current_span("n" * 100_000) as span:
            span.set_attribute("k" * 100_000, "v" * LARGE)
            span.set_attribute("bytes", b"b" * 100_000)
            span.set_attribute("list", ["l" * 10_000] * 10_000)
            span.set_attribute("endless", endless)
            span.set_attribute("nested", {"text": "t" * LARGE})
            for _ in range(200):
                span.add_event("e" * 10_000, {f"{number}": "x" * 100_000 for number in range(200)})
            span.set_status(trace.StatusCode.ERROR, "d" * 100_000)
        assert isinstance(span, LightSpan)
        assert len(span.name) <= 256
        assert span.size < 2 * MIB
        return "ok"

    response = app.test_client().get("/large", buffered=True)
    assert response.status_code == 200
    assert app.extensions[EXTENSION].flush(30)
    trace_id = response.headers["X-Trace-Id"]
    assert len(backends.spans(trace_id)) == 3
    assert len(json.dumps(backends.spans(trace_id))) < 3 * MIB
    assert eventually(lambda: backends.segments_of(trace_id), 1)


def record(message: object, *args: object, **extra: Any) -> logging.LogRecord:  # noqa: ANN401 - any fields
    made = logging.LogRecord("shop", logging.INFO, "", 0, message, args, None)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize(
    "large",
    [
        record("x" * LARGE),
        record("%s", "x" * LARGE),
        record("%s %s", "x" * LARGE, "x" * LARGE),
        record("refused", fields={"text": "x" * LARGE, "list": ["x" * 1_000] * 100_000}),
    ],
    ids=["message", "argument", "arguments", "fields"],
)
def test_a_large_log_record_is_cut_before_it_is_copied(large: logging.LogRecord) -> None:
    tracemalloc.start()
    try:
        line = capture(large)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MIB
    assert isinstance(line, LogLine)
    assert len(line.message) <= MAX_MESSAGE
    assert line.size < 300_000


CONTROLS = "".join(map(chr, [0x7F, 0x85, 0x9B, 0x61C, 0x200E, 0x200F, 0x2028, 0x2029, 0x202E, 0x2066, 0x2069, 0xFEFF]))


def test_no_log_line_can_drive_a_terminal_or_reorder_text() -> None:
    line = capture(record(f"said {CONTROLS} é", fields={CONTROLS: [CONTROLS], "é": 1}))
    text = encode(line, LineFormat("1.0", "access"))
    assert not set(CONTROLS) & set(text)
    assert json.loads(text)["message"] == f"said {CONTROLS} é"
    assert json.loads(text)[CONTROLS] == [CONTROLS]
    assert "é" in text
