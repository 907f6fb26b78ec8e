"""Send requests to an app in this process; read its trace headers, finished spans and log messages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest
from flask import Flask
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from flask_onetrace.contract import ACCESS_LOGGER
from flask_onetrace.telemetry import EXTENSION, Telemetry

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
TRACE = "5759e988bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
OTHER_ROOT = "1-67891233-abcdef012345678912345678"
OTHER_TRACE = "67891233abcdef012345678912345678"

PATH = "/api/health-check"
Headers = dict[str, str]


class TraceResponse(NamedTuple):
    """The status and the trace headers of one response."""

    status: int
    trace_id: str
    version: str
    response_trace_id: str
    span_id: str
    flags: int

    @property
    def sampled(self) -> bool:
        return bool(self.flags & 1)

    @property
    def random(self) -> bool:
        return bool(self.flags & 2)


def get(app: Flask, path: str = PATH, **headers: str) -> TraceResponse:
    """Send a GET request with `headers` as a WSGI server names them."""
    environ = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    with app.test_client().get(path, environ_overrides=environ, buffered=True) as response:
        return trace_response(
            response.status_code, response.headers.get("X-Trace-Id"), response.headers.get("traceresponse")
        )


def trace_response(status: int, trace_id: str | None, traceresponse: str | None) -> TraceResponse:
    assert trace_id is not None
    assert traceresponse is not None
    version, response_trace_id, span_id, flags = traceresponse.split("-")
    return TraceResponse(status, trace_id, version, response_trace_id, span_id, int(flags, 16))


def telemetry_of(app: Flask) -> Telemetry:
    telemetry: Telemetry = app.extensions[EXTENSION]
    return telemetry


def flush(app: Flask) -> None:
    assert telemetry_of(app).flush(10)


class SpanRecorder:
    """Record the finished spans of one app."""

    def __init__(self, app: Flask) -> None:
        self._exporter = InMemorySpanExporter()
        telemetry_of(app).provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def take(self) -> list[ReadableSpan]:
        spans = list(self._exporter.get_finished_spans())
        self._exporter.clear()
        return spans


def other_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return all messages but the access log's; a marker message proves that the capture works."""
    logging.getLogger("tests").warning("marker")
    *messages, last = (record.getMessage() for record in caplog.records if record.name != ACCESS_LOGGER)
    assert last == "marker"
    return messages


def capture_all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    """Return whether `condition` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not (result := bool(condition())) and time.monotonic() < deadline:
        time.sleep(0.01)
    return result
