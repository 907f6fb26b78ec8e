"""Log lines are single JSON objects with their request's ids, whatever a client sends."""

from __future__ import annotations

import io
import json
import logging
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, abort, request

from flask_onetrace import telemetry
from flask_onetrace.contract import ACCESS_LOGGER
from flask_onetrace.telemetry.log_lines import MAX_LINE, LineFormat, capture, encode
from local.fakes.server import LocalServer
from tests.telemetry.backends import Document, FakeBackends, FakeLogGroup, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id

LINE_FORMAT = LineFormat(version="1.0", access_logger=ACCESS_LOGGER)


def format_line(record: logging.LogRecord) -> str:
    return encode(capture(record), LINE_FORMAT)


def access_line(backends: FakeBackends, trace_id: str, lines: int = 1) -> Document:
    [line] = [each for each in eventually(lambda: backends.lines_of(trace_id), lines) if "status" in each]
    return line


def test_the_access_line_has_every_field_of_the_request(app: Flask, backends: FakeBackends) -> None:
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    with app.test_client().get("/api/activities/@coco?x=1", headers=headers, buffered=True) as response:
        trace_id, size = response.headers["X-Trace-Id"], len(response.data)
    line = access_line(backends, trace_id)
    assert line.pop("duration_ms") > 0
    assert line.pop("timestamp").endswith("+00:00")
    assert len(line.pop("span_id")) == 16
    assert line == {
        "level": "INFO",
        "logger": "flask_onetrace.access",
        "message": "GET /api/activities/@coco 200",
        "trace_id": trace_id,
        "xray_trace_id": f"1-{trace_id[:8]}-{trace_id[8:]}",
        "method": "GET",
        "route": "/api/activities/@<string:handle>",
        "path": "/api/activities/@coco",
        "status": 200,
        "bytes": size,
        "client_address": "203.0.113.7",
        "sampled": 1,
        "version": "unknown",
    }


@pytest.mark.parametrize(
    ("path", "status", "level"), [("/nope", 404, "INFO"), ("/api/fault", 500, "ERROR"), ("/broken", 503, "ERROR")]
)
def test_only_a_5xx_status_is_logged_at_error_level(
    path: str, status: int, level: str, app: Flask, backends: FakeBackends
) -> None:
    app.add_url_rule("/broken", "broken", lambda: abort(503))
    line = access_line(backends, get_trace_id(app, path, status), 2 if path == "/api/fault" else 1)
    assert (line["status"], line["level"], line["route"]) == (status, level, "-" if path == "/nope" else path)


def test_log_lines_of_any_library_carry_the_requests_ids(app: Flask, backends: FakeBackends) -> None:
    @app.get("/library")
    def library() -> str:
        with telemetry.span("inner") as span:
            logging.getLogger("somebody.elses.library").warning("disk %d%% full", 90)
        return f"{span.get_span_context().span_id:016x}"

    with app.test_client().get("/library", buffered=True) as response:
        trace_id, span_id = response.headers["X-Trace-Id"], response.get_data(as_text=True)
    line = eventually(lambda: backends.lines_of(trace_id), 2)[0]
    assert (line["logger"], line["message"]) == ("somebody.elses.library", "disk 90% full")
    assert (line["span_id"], line["method"], line["route"]) == (span_id, "GET", "/library")


FORGED = 'x"}\r\n{"level":"ERROR","message":"forged"}\u2028\x00\x1b[31m'


def test_client_input_cannot_forge_a_log_line(app: Flask, backends: FakeBackends) -> None:
    @app.get("/echo")
    def echo() -> str:
        name = request.args["name"]
        telemetry.identify(name)
        app.logger.warning("hello %s", name)
        return "ok"

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.format = format_line  # type: ignore[method-assign]  # what a formatter would do
    loggers = logging.getLogger(), logging.getLogger(ACCESS_LOGGER)
    for each in loggers:
        each.addHandler(handler)
    try:
        quoted = "".join(f"%{byte:02x}" for byte in FORGED.encode())
        trace_id, unmatched = get_trace_id(app, f"/echo?name={quoted}"), get_trace_id(app, f"/{quoted}", 404)
    finally:
        for each in loggers:
            each.removeHandler(handler)
    line, access = eventually(lambda: backends.lines_of(trace_id), 2)
    assert (line["message"], line["user_id"], access["user_id"]) == (f"hello {FORGED}", FORGED, FORGED)
    assert access_line(backends, unmatched)["path"] == f"/{FORGED}"
    messages = [json.loads(line)["message"] for line in stream.getvalue().split("\n")[:-1]]
    assert messages == [f"hello {FORGED}", "GET /echo 200", f"GET /{FORGED} 404"]


def test_an_oversized_line_is_truncated_to_one_valid_object(app: Flask, backends: FakeBackends) -> None:
    @app.get("/long")
    def long() -> str:
        app.logger.error("\x01" * 500_000, exc_info=ValueError("é\x01" * 300_000))
        return "ok"

    trace_id = get_trace_id(app, "/long")
    line = eventually(lambda: backends.lines_of(trace_id), 2)[0]
    assert len(json.dumps(line, ensure_ascii=False).encode()) <= MAX_LINE
    assert line["message"].endswith("…")
    assert line["exception"].endswith("…\n")


@pytest.mark.parametrize(
    ("message", "arguments", "expected"),
    [
        ("only %d", ("text",), "only %d (its arguments could not be formatted)"),
        ("lone %s surrogate", ("\udc80",), "lone ? surrogate"),
    ],
)
def test_a_line_that_cannot_be_formatted_or_encoded_is_still_written(
    message: str, arguments: tuple[object, ...], expected: str
) -> None:
    record = logging.LogRecord("test", logging.INFO, __file__, 1, message, arguments, None)
    assert json.loads(format_line(record))["message"] == expected


def test_responses_on_the_same_path_each_log_their_own_status(app: Flask, backends: FakeBackends) -> None:
    @app.get("/turn/<path:rest>")
    def turn(rest: str) -> tuple[str, int]:
        return rest, int(request.args["status"])

    for rest in ("short", "long" * 200):
        ids = [get_trace_id(app, f"/turn/{rest}?status={status}", status) for status in (200, 500, 200)]
        lines = [access_line(backends, trace_id) for trace_id in ids]
        assert [(line["status"], line["level"]) for line in lines] == [(200, "INFO"), (500, "ERROR"), (200, "INFO")]
        assert [line["message"] for line in lines] == [f"GET /turn/{rest} {line['status']}" for line in lines]
        assert {(line["path"], line["route"]) for line in lines} == {(f"/turn/{rest}", "/turn/<path:rest>")}


@pytest.mark.usefixtures("app")
def test_outside_a_request_the_ids_are_placeholders(backends: FakeBackends) -> None:
    logging.getLogger("somebody.elses.library").warning("between requests")
    [line] = eventually(lambda: backends.lines_outside_requests("somebody.elses.library"), 1)
    assert (line["trace_id"], line["span_id"], line["xray_trace_id"]) == ("-", "-", "-")
    assert "method" not in line


class ThrottlingLogGroup(FakeLogGroup):
    """Throttle the third request once there is a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def handle(self) -> tuple[Any, int]:
        if self.streams:
            self.calls += 1
        return ({"__type": "ThrottlingException"}, 400) if self.calls == 3 else super().handle()


def test_only_the_rejected_half_of_a_batch_is_retried(
    make_app: AppFactory, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = ThrottlingLogGroup()
    with closing(LocalServer(group.app())) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        app = make_app({**backends.cloudwatch, "LOG_CONSOLE": "false"})
        with app.app_context():
            for number in range(400):
                logging.getLogger("service.test").warning("%d %s", number, "x" * 6_000)
        assert app.extensions["onetrace"].flush(10)
    assert group.calls > 3
    lines = [line for line in group.lines if line["logger"] == "service.test"]  # on a slow machine also of retries
    assert [int(line["message"].split()[0]) for line in lines] == list(range(400))


def test_the_stack_of_a_record_with_stack_info_is_in_its_line(app: Flask, backends: FakeBackends) -> None:
    @app.get("/stack")
    def stack() -> str:
        logging.getLogger("shop").warning("here", stack_info=True)
        logging.getLogger("shop").warning("there", extra={"fields": {"a": 1}}, stack_info=True)
        return ""

    trace_id = get_trace_id(app, "/stack")
    lines = eventually(lambda: backends.lines_of(trace_id), 3)
    here, there = [line for line in lines if line["logger"] == "shop"]
    assert here["stack_info"].startswith("Stack (most recent call last):")
    assert 'warning("here", stack_info=True)' in here["stack_info"]
    assert (there["a"], "stack_info" in there) == (1, True)


def test_a_dict_as_message_is_json_and_its_members_are_fields() -> None:
    made = logging.LogRecord(
        "shop", logging.INFO, "", 0, {"a": 1, "password": "hunter22", "nested": {"b": [None]}}, (), None
    )
    line = json.loads(format_line(made))
    assert json.loads(line["message"]) == {"a": 1, "password": "REDACTED", "nested": {"b": [None]}}
    assert (line["a"], line["nested"], line["level"], line["logger"]) == (1, {"b": [None]}, "INFO", "shop")


@pytest.mark.parametrize("value", [None, 5, b"x", [1], object(), "lone \ud800"])
def test_names_that_are_no_text_are_shown_as_text(value: object) -> None:
    record = logging.makeLogRecord({"msg": value, "name": value, "levelname": value})
    line = json.loads(format_line(record))
    shown = "lone ?" if value == "lone \ud800" else str(value)
    assert (line["message"], line["logger"], line["level"]) == (shown, shown, shown)


def test_a_line_whose_fields_alone_are_too_long_is_cut() -> None:
    made = logging.makeLogRecord({"msg": "m", "fields": {str(number): "\u20ac" * 8_000 for number in range(16)}})
    line = format_line(made)
    assert len(line.encode()) <= MAX_LINE
    assert json.loads(line)["left_out"] == "fields: the line was too long"
