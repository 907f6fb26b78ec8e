"""Look at one app's spans, decisions and log lines from inside its process."""

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

from service.contract import ACCESS_LOGGER
from service.telemetry import EXTENSION, Telemetry

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
TRACE = "5759e988bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
OTHER_ROOT = "1-67891233-abcdef012345678912345678"
OTHER_TRACE = "67891233abcdef012345678912345678"

PATH = "/api/health-check"
Headers = dict[str, str]


class Response(NamedTuple):
    """What one response says of its trace."""

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


def ask(app: Flask, path: str = PATH, **headers: str) -> Response:
    """Send one request, its headers as a WSGI server gives them."""
    environ = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    with app.test_client().get(path, environ_overrides=environ, buffered=True) as response:
        return read(response.status_code, response.headers.get("X-Trace-Id"), response.headers.get("traceresponse"))


def read(status: int, trace_id: str | None, traceresponse: str | None) -> Response:
    assert trace_id is not None
    assert traceresponse is not None
    version, response_trace_id, span_id, flags = traceresponse.split("-")
    return Response(status, trace_id, version, response_trace_id, span_id, int(flags, 16))


def telemetry_of(app: Flask) -> Telemetry:
    found: Telemetry = app.extensions[EXTENSION]
    return found


class Kept:
    """The finished spans of one app."""

    def __init__(self, app: Flask) -> None:
        self._exporter = InMemorySpanExporter()
        telemetry_of(app).provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def take(self) -> list[ReadableSpan]:
        spans = list(self._exporter.get_finished_spans())
        self._exporter.clear()
        return spans


def beside_the_access_line(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what else was logged; a line of its own proves that it would have been heard."""
    logging.getLogger("tests").info("heard")
    *heard, mine = (record.getMessage() for record in caplog.records if record.name != ACCESS_LOGGER)
    assert mine == "heard"
    return heard


def everything_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def until(look: Callable[[], object], seconds: float = 10.0) -> bool:
    """Return whether `look` comes true in time."""
    deadline = time.monotonic() + seconds
    while not (found := bool(look())) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found
