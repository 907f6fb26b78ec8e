"""Each log line is one JSON object that names its request; nothing that a client sends can forge another."""

from __future__ import annotations

import io
import json
import logging
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, abort, request

from local.standins.server import Served
from service import telemetry
from service.telemetry.log_lines import MAX_LINE, LineFormat, capture, encode
from tests.telemetry.backends import Document, LogGroup, Observatory, eventually
from tests.telemetry.conftest import AppMaker
from tests.telemetry.segments import ask


def formatted(record: logging.LogRecord) -> str:
    return encode(capture(record), LineFormat("1.0", "service.access"))


def access_line(observatory: Observatory, trace_id: str, lines: int = 1) -> Document:
    [line] = [each for each in eventually(lambda: observatory.lines_of(trace_id), lines) if "status" in each]
    return line


def test_the_access_line_says_all_of_the_request(app: Flask, observatory: Observatory) -> None:
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    with app.test_client().get("/api/activities/@coco?x=1", headers=headers, buffered=True) as response:
        trace_id, size = response.headers["X-Trace-Id"], len(response.data)
    line = access_line(observatory, trace_id)
    assert line.pop("duration_ms") > 0
    assert line.pop("timestamp").endswith("+00:00")
    assert len(line.pop("span_id")) == 16
    assert line == {
        "level": "INFO",
        "logger": "service.access",
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
def test_only_a_servers_error_is_an_error(
    path: str, status: int, level: str, app: Flask, observatory: Observatory
) -> None:
    app.add_url_rule("/broken", "broken", lambda: abort(503))
    line = access_line(observatory, ask(app, path, status), 2 if path == "/api/fault" else 1)
    assert (line["status"], line["level"], line["route"]) == (status, level, "-" if path == "/nope" else path)


def test_every_librarys_line_within_a_request_carries_its_ids_and_its_span(
    app: Flask, observatory: Observatory
) -> None:
    @app.get("/library")
    def library() -> str:
        with telemetry.span("inner") as span:
            logging.getLogger("somebody.elses.library").warning("disk %d%% full", 90)
        return f"{span.get_span_context().span_id:016x}"

    with app.test_client().get("/library", buffered=True) as response:
        trace_id, span_id = response.headers["X-Trace-Id"], response.get_data(as_text=True)
    line = eventually(lambda: observatory.lines_of(trace_id), 2)[0]
    assert (line["logger"], line["message"]) == ("somebody.elses.library", "disk 90% full")
    assert (line["span_id"], line["method"], line["route"]) == (span_id, "GET", "/library")


FORGED = 'x"}\r\n{"level":"ERROR","message":"forged"}\u2028\x00\x1b[31m'


def test_what_a_client_sends_stays_within_its_line(app: Flask, observatory: Observatory) -> None:
    @app.get("/echo")
    def echo() -> str:
        name = request.args["name"]
        telemetry.identify(name)
        app.logger.warning("hello %s", name)
        return "ok"

    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.format = formatted  # type: ignore[method-assign]  # what a formatter would do
    logging.getLogger().addHandler(handler)
    try:
        quoted = "".join(f"%{byte:02x}" for byte in FORGED.encode())
        trace_id, unmatched = ask(app, f"/echo?name={quoted}"), ask(app, f"/{quoted}", 404)
    finally:
        logging.getLogger().removeHandler(handler)
    said, access = eventually(lambda: observatory.lines_of(trace_id), 2)
    assert (said["message"], said["user_id"], access["user_id"]) == (f"hello {FORGED}", FORGED, FORGED)
    assert access_line(observatory, unmatched)["path"] == f"/{FORGED}"
    messages = [json.loads(line)["message"] for line in printed.getvalue().split("\n")[:-1]]
    assert messages == [f"hello {FORGED}", "GET /echo 200", f"GET /{FORGED} 404"]


def test_a_line_too_long_for_an_event_is_still_one_object(app: Flask, observatory: Observatory) -> None:
    @app.get("/long")
    def long() -> str:
        app.logger.error("\x01" * 500_000, exc_info=ValueError("é\x01" * 300_000 + "the end"))
        return "ok"

    trace_id = ask(app, "/long")
    line = eventually(lambda: observatory.lines_of(trace_id), 2)[0]
    assert len(json.dumps(line, ensure_ascii=False).encode()) <= MAX_LINE
    assert line["message"].endswith("…")
    assert line["exception"].endswith("the end\n")


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("only %d", ("text",), "only %d (its arguments could not be formatted)"),
        ("lone %s surrogate", ("\udc80",), "lone ? surrogate"),
    ],
)
def test_a_line_that_cannot_be_formatted_or_encoded_is_written_as_far_as_it_can(
    message: str, arguments: tuple[object, ...], shown: str
) -> None:
    record = logging.LogRecord("test", logging.INFO, __file__, 1, message, arguments, None)
    assert json.loads(formatted(record))["message"] == shown


def test_two_answers_on_one_path_each_say_their_own(app: Flask, observatory: Observatory) -> None:
    @app.get("/turn/<path:rest>")
    def turn(rest: str) -> tuple[str, int]:
        return rest, int(request.args["status"])

    for rest in ("short", "long" * 200):
        ids = [ask(app, f"/turn/{rest}?status={status}", status) for status in (200, 500, 200)]
        lines = [access_line(observatory, trace_id) for trace_id in ids]
        assert [(line["status"], line["level"]) for line in lines] == [(200, "INFO"), (500, "ERROR"), (200, "INFO")]
        assert [line["message"] for line in lines] == [f"GET /turn/{rest} {line['status']}" for line in lines]
        assert {(line["path"], line["route"]) for line in lines} == {(f"/turn/{rest}", "/turn/<path:rest>")}


def test_further_fields_stand_beside_those_of_the_line_and_in_none_of_their_places() -> None:
    record = logging.LogRecord("test", logging.INFO, __file__, 1, "said", (), None)
    fields = {"message": "forged", "trace_id": "forged", "count": 3, "lone": "\udc80", "set": {1}}
    vars(record)["fields"] = fields
    line = json.loads(formatted(record))
    assert (line["message"], line["trace_id"]) == ("said", "-")
    assert (line["count"], line["lone"], line["set"]) == (3, "?", [1])


def test_what_another_library_means_by_request_scope_is_left_out() -> None:
    record = logging.makeLogRecord({"name": "shop", "msg": "sold", "levelname": "INFO", "request_scope": "mine"})
    assert json.loads(formatted(record))["message"] == "sold"


def test_what_another_library_means_by_fields_is_left_out() -> None:
    record = logging.LogRecord("test", logging.INFO, __file__, 1, "said", (), None)
    vars(record)["fields"] = ["no", "mapping"]
    assert json.loads(formatted(record))["message"] == "said"


@pytest.mark.usefixtures("app")
def test_outside_a_request_the_missing_ids_are_seen_to_be_missing(observatory: Observatory) -> None:
    logging.getLogger("somebody.elses.library").warning("between requests")
    [line] = eventually(lambda: observatory.lines_outside_requests("somebody.elses.library"), 1)
    assert (line["trace_id"], line["span_id"], line["xray_trace_id"]) == ("-", "-", "-")
    assert "method" not in line


class FailingOnce(LogGroup):
    """Refuse the second request that carries lines."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def take(self) -> tuple[Any, int]:
        if self.streams:
            self.taken += 1
        return ({"__type": "ThrottlingException"}, 400) if self.taken == 3 else super().take()


def test_when_half_of_a_batch_is_refused_only_that_half_is_sent_again(
    make_app: AppMaker, observatory: Observatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = FailingOnce()
    with closing(Served(group.app())) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        app = make_app({**observatory.cloudwatch, "LOG_CONSOLE": "false"})
        with app.app_context():
            for number in range(400):
                logging.getLogger("service.test").warning("%d %s", number, "x" * 6_000)
        assert app.extensions["telemetry"].flush(10)
    assert group.taken > 3
    assert [int(line["message"].split()[0]) for line in group.lines] == list(range(400))
