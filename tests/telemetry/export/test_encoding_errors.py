"""What cannot be written for a sink costs itself alone, and is counted; all that waits with it arrives."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from opentelemetry import trace

from tests.telemetry.backends import Observatory, eventually
from tests.telemetry.conftest import AppMaker
from tests.telemetry.segments import ask
from tests.telemetry.tracing import beside_the_access_line, telemetry_of

NAMELESS = 35


@pytest.fixture
def _level_without_a_text() -> Iterator[None]:
    """A level whose name is no text, which `logging` takes and no JSON writer can."""
    no_text: Any = 5
    logging.addLevelName(NAMELESS, no_text)
    yield
    logging.addLevelName(NAMELESS, f"Level {NAMELESS}")


@pytest.mark.usefixtures("_level_without_a_text")
def test_a_line_that_cannot_be_written_holds_up_no_other(
    app: Flask, observatory: Observatory, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("shop")

    @app.get("/lines")
    def lines() -> str:
        logger.warning("before")
        logger.log(NAMELESS, "never")
        logger.warning("after")
        return ""

    trace_id = ask(app, "/lines")
    said = [line["message"] for line in eventually(lambda: observatory.lines_of(trace_id), 3)]
    assert said == ["before", "after", "GET /lines 200"]
    assert refused(app, "cloudwatch") == 1
    why = dropped(caplog, "cloudwatch")
    assert why == "cannot encode an item: TypeError: first argument must be a string, not int"


@pytest.mark.parametrize(
    ("protocol", "given", "why"),
    [
        # A kind that is easily taken for a `SpanKind`, and times in other forms: no type checker may be at hand.
        ("http/json", {"kind": "server"}, "KeyError: 'server'"),
        ("http/json", {"start_time": "soon"}, "ValueError: Unknown format code 'd' for object of type 'str'"),
        ("http/json", {"start_time": 1.7e18}, "ValueError: Unknown format code 'd' for object of type 'float'"),
        ("http/protobuf", {"kind": "server"}, "KeyError: 'server'"),
    ],
)
def test_a_span_that_cannot_be_written_holds_up_no_other(
    *,
    protocol: str,
    given: dict[str, Any],
    why: str,
    make_app: AppMaker,
    observatory: Observatory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app({**observatory.environment, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})

    @app.get("/spans")
    def spans() -> str:
        tracer = trace.get_tracer("shop")
        tracer.start_span("before").end()
        tracer.start_span("never", **given).end()
        tracer.start_span("after").end()
        return ""

    trace_id = ask(app, "/spans")
    assert {span["name"] for span in eventually(lambda: observatory.spans(trace_id), 3)} == {
        "before",
        "after",
        "GET /spans",
    }
    assert refused(app, "honeycomb") == 1
    assert dropped(caplog, "honeycomb") == f"cannot encode an item: {why}"


def test_a_segment_that_cannot_be_written_holds_up_no_other_and_is_not_blamed_on_what_a_handler_added(
    make_app: AppMaker, observatory: Observatory, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app({**observatory.environment, "OTEL_TRACES_EXPORTER": "none"})

    @app.get("/never")
    def never() -> str:
        no_time: Any = "soon"
        trace.get_tracer("shop").start_span("inner", start_time=no_time).end()
        return ""

    @app.get("/good")
    def good() -> str:
        return ""

    before, never_sent, after = (ask(app, path) for path in ("/good", "/never", "/good"))
    assert len(eventually(lambda: observatory.segments_of(before), 1)) == 1
    assert len(eventually(lambda: observatory.segments_of(after), 1)) == 1
    assert refused(app, "xray") == 1
    assert observatory.segments_of(never_sent) == []
    assert dropped(caplog, "xray").startswith("cannot encode an item: TypeError: ")
    assert not [text for text in beside_the_access_line(caplog) if "what a handler added" in text]


def refused(app: Flask, name: str) -> int:
    """Return how many items the sink counts as not to be taken, once all is dealt with."""
    [sink] = [each for each in telemetry_of(app).sinks if each.name == name]
    assert sink.queue is not None
    assert sink.queue.flush(5)
    return sink.queue.counts.dropped_refused


def dropped(caplog: pytest.LogCaptureFixture, name: str) -> str:
    """Return the reason that the one line about the sink gives."""
    prefix = f"{name}: 1 telemetry items dropped, 1 since start: "
    [reason] = [text.removeprefix(prefix) for text in beside_the_access_line(caplog) if text.startswith(prefix)]
    return reason
