"""An item that cannot be encoded is dropped and counted; the rest of its batch arrives."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from google.protobuf.json_format import ParseDict
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from flask_onetrace.telemetry.spans.span import LightSpan
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.export.http_server import RecordingServer, run
from tests.telemetry.segments import get_trace_id
from tests.telemetry.tracing import flush, other_messages, telemetry_of

NAMELESS = 35


@pytest.fixture
def _level_without_a_name() -> Iterator[None]:
    """A log level whose name is not a string: `logging` accepts it, JSON encoders do not."""
    not_a_string: Any = 5
    logging.addLevelName(NAMELESS, not_a_string)
    yield
    logging.addLevelName(NAMELESS, f"Level {NAMELESS}")


@pytest.mark.usefixtures("_level_without_a_name")
def test_a_level_without_a_name_is_shown_as_text(app: Flask, backends: FakeBackends) -> None:
    logger = logging.getLogger("shop")

    @app.get("/lines")
    def lines() -> str:
        logger.warning("before")
        logger.log(NAMELESS, "nameless")
        logger.warning("after")
        return ""

    trace_id = get_trace_id(app, "/lines")
    arrived = [(line["message"], line["level"]) for line in eventually(lambda: backends.lines_of(trace_id), 4)]
    assert arrived == [
        ("before", "WARNING"),
        ("nameless", "5"),
        ("after", "WARNING"),
        ("GET /lines 200", "INFO"),
    ]
    assert rejected_count(app, "cloudwatch") == 0


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
@pytest.mark.parametrize(
    ("options", "dropped"),
    [
        # Easy mistakes in untyped code: a kind that is no `SpanKind`, times in other units or types.
        ({"kind": "server"}, 0),
        ({"start_time": "soon"}, 1),
        ({"start_time": -1}, 1),
        ({"start_time": 2**64}, 1),
        ({"start_time": 1.79e18}, 0),
        ({"start_time": datetime(2026, 9, 22, tzinfo=UTC)}, 0),
    ],
)
def test_a_span_with_a_kind_or_time_of_another_type_arrives(
    *,
    protocol: str,
    options: dict[str, Any],
    dropped: int,
    make_app: AppFactory,
    backends: FakeBackends,
) -> None:
    app = make_app({**backends.environment, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    spans: list[trace.Span] = []

    @app.get("/spans")
    def handle() -> str:
        tracer = trace.get_tracer("shop")
        tracer.start_span("before").end()
        spans.append(tracer.start_span("odd", **options))
        spans[0].end()
        tracer.start_span("after").end()
        return ""

    trace_id = get_trace_id(app, "/spans")
    arrived = {span["name"]: span for span in eventually(lambda: backends.spans(trace_id), 4)}
    assert arrived.keys() == {"before", "odd", "after", "GET /spans"}
    assert arrived["odd"]["kind"] == "internal"
    assert abs(arrived["odd"]["start_ns"] - 1.79e18) < 2e17
    [span] = spans
    assert isinstance(span, LightSpan)
    assert span.dropped_attributes == dropped
    assert rejected_count(app, "honeycomb") == 0


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
def test_a_span_that_cannot_be_encoded_is_dropped_alone(
    protocol: str, make_app: AppFactory, backends: FakeBackends, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app({**backends.environment, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})

    @app.get("/spans")
    def spans() -> str:
        tracer = trace.get_tracer("shop")
        tracer.start_span("before").end()
        spoilt = tracer.start_span("never")
        spoilt.end()
        vars(spoilt)["_kind"] = "server"  # nothing that the API takes spoils a span
        tracer.start_span("after").end()
        return ""

    trace_id = get_trace_id(app, "/spans")
    assert {span["name"] for span in eventually(lambda: backends.spans(trace_id), 3)} == {
        "before",
        "after",
        "GET /spans",
    }
    assert rejected_count(app, "honeycomb") == 1
    assert drop_reason(caplog, "honeycomb") == "cannot encode an item: KeyError: 'server'"


@pytest.mark.parametrize("name", [None, 5, b"bytes", ["list"], 3.5, ""])
@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
def test_an_inner_span_whose_name_is_no_text_costs_nothing(
    name: Any,  # noqa: ANN401 - any value
    protocol: str,
    make_app: AppFactory,
    backends: FakeBackends,
) -> None:
    app = make_app({**backends.environment, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})

    @app.get("/names")
    def names() -> str:
        with trace.get_tracer("shop").start_as_current_span(name) as span:
            span.set_attribute("kept", 1)
        with xray_recorder.in_subsegment(name):
            return ""

    trace_id = get_trace_id(app, "/names")
    spans = eventually(lambda: backends.spans(trace_id), 3)
    assert sorted(span["name"] for span in spans) == sorted(["GET /names", str(name), str(name)])
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert [child.get("metadata") for child in segment["subsegments"]] == [{"default": {"kept": 1}}, None]


def test_a_subsegment_that_cannot_be_built_is_sent_without_what_it_holds(app: Flask, backends: FakeBackends) -> None:
    @app.get("/spoilt")
    def spoilt() -> str:
        with trace.get_tracer("shop").start_as_current_span("spoilt") as span:
            pass
        vars(span)["_attributes"] = 5  # nothing that the API takes spoils a span
        with trace.get_tracer("shop").start_as_current_span("good", attributes={"kept": 1}):
            return ""

    trace_id = get_trace_id(app, "/spoilt")
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    first, second = segment["subsegments"]
    assert (first["name"], "metadata" in first) == ("spoilt", False)
    assert (second["name"], second["metadata"]) == ("good", {"default": {"kept": 1}})


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


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
def test_spans_that_an_endpoint_rejects_in_a_success_are_counted_and_said(make_app: AppFactory, protocol: str) -> None:
    partial = {"rejectedSpans": "1", "errorMessage": "too old"}
    if protocol == "http/json":
        body = json.dumps({"partialSuccess": partial}).encode()
    else:
        body = ParseDict({"partialSuccess": partial}, ExportTraceServiceResponse()).SerializeToString()
    with run(RecordingServer(lambda handler: handler.respond(body))) as endpoint:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint.url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        app = make_app({**variables, "LOG_CONSOLE": "false"})
        get_trace_id(app, "/api/activities/home")
        flush(app)
        detail = telemetry_of(app).sink("honeycomb").detail()
    assert (detail["delivered"], detail["dropped"]["refused"]) == (1, 1)
    assert len(endpoint.requests) == 1, "what was rejected is not sent again"
