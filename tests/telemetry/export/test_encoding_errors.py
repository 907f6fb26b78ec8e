"""An item that cannot be encoded is dropped and counted; the rest of its batch arrives."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from opentelemetry import trace

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id
from tests.telemetry.tracing import other_messages, telemetry_of

NAMELESS = 35


@pytest.fixture
def _level_without_a_name() -> Iterator[None]:
    """A log level whose name is not a string: `logging` accepts it, JSON encoders do not."""
    not_a_string: Any = 5
    logging.addLevelName(NAMELESS, not_a_string)
    yield
    logging.addLevelName(NAMELESS, f"Level {NAMELESS}")


@pytest.mark.usefixtures("_level_without_a_name")
def test_a_log_line_that_cannot_be_encoded_is_dropped_alone(
    app: Flask, backends: FakeBackends, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("shop")

    @app.get("/lines")
    def lines() -> str:
        logger.warning("before")
        logger.log(NAMELESS, "never")
        logger.warning("after")
        return ""

    trace_id = get_trace_id(app, "/lines")
    messages = [line["message"] for line in eventually(lambda: backends.lines_of(trace_id), 3)]
    assert messages == ["before", "after", "GET /lines 200"]
    assert rejected_count(app, "cloudwatch") == 1
    assert drop_reason(caplog, "cloudwatch").startswith("cannot encode an item: TypeError: ")


@pytest.mark.parametrize(
    ("protocol", "options", "reason"),
    [
        # Easy mistakes in untyped code: a kind that is no `SpanKind`, times in other units or types.
        ("http/json", {"kind": "server"}, "KeyError: 'server'"),
        ("http/json", {"start_time": "soon"}, "ValueError: Unknown format code 'd' for object of type 'str'"),
        ("http/json", {"start_time": 1.7e18}, "ValueError: Unknown format code 'd' for object of type 'float'"),
        ("http/protobuf", {"kind": "server"}, "KeyError: 'server'"),
    ],
)
def test_a_span_that_cannot_be_encoded_is_dropped_alone(
    *,
    protocol: str,
    options: dict[str, Any],
    reason: str,
    make_app: AppFactory,
    backends: FakeBackends,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app({**backends.environment, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})

    @app.get("/spans")
    def spans() -> str:
        tracer = trace.get_tracer("shop")
        tracer.start_span("before").end()
        tracer.start_span("never", **options).end()
        tracer.start_span("after").end()
        return ""

    trace_id = get_trace_id(app, "/spans")
    assert {span["name"] for span in eventually(lambda: backends.spans(trace_id), 3)} == {
        "before",
        "after",
        "GET /spans",
    }
    assert rejected_count(app, "honeycomb") == 1
    assert drop_reason(caplog, "honeycomb") == f"cannot encode an item: {reason}"


def test_a_segment_that_cannot_be_encoded_is_dropped_alone_and_not_blamed_on_handler_data(
    make_app: AppFactory, backends: FakeBackends, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app({**backends.environment, "OTEL_TRACES_EXPORTER": "none"})

    @app.get("/never")
    def never() -> str:
        not_a_time: Any = "soon"
        trace.get_tracer("shop").start_span("inner", start_time=not_a_time).end()
        return ""

    @app.get("/good")
    def good() -> str:
        return ""

    before, unsent, after = (get_trace_id(app, path) for path in ("/good", "/never", "/good"))
    assert len(eventually(lambda: backends.segments_of(before), 1)) == 1
    assert len(eventually(lambda: backends.segments_of(after), 1)) == 1
    assert rejected_count(app, "xray") == 1
    assert backends.segments_of(unsent) == []
    assert drop_reason(caplog, "xray").startswith("cannot encode an item: TypeError: ")
    assert not [text for text in other_messages(caplog) if "what a handler added" in text]


def rejected_count(app: Flask, name: str) -> int:
    """Flush the sink; return its count of rejected items."""
    [sink] = [each for each in telemetry_of(app).sinks if each.name == name]
    assert sink.queue is not None
    assert sink.queue.flush(5)
    return sink.queue.counts.dropped_refused


def drop_reason(caplog: pytest.LogCaptureFixture, name: str) -> str:
    """Return the reason in the only drop report of the sink."""
    prefix = f"{name}: 1 telemetry items dropped, 1 since start: "
    [reason] = [text.removeprefix(prefix) for text in other_messages(caplog) if text.startswith(prefix)]
    return reason
