"""What the sinks and the sampler send is never traced, whatever of it is instrumented."""

from __future__ import annotations

import logging
import re

import botocore.client  # noqa: F401 - instrumented when imported
import httpx  # noqa: F401 - the same
import requests
import urllib3  # noqa: F401 - the same
from flask import Flask

from service.telemetry import EXTENSION, instrumentations
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import SpanRecorder, flush, get

CLIENTS = ("botocore", "httpx", "requests", "threading", "urllib3")
REQUESTS = 5


def calling_app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    app = make_app({**backends.environment, "FAULT_ROUTES": "true"})
    for sink in app.extensions[EXTENSION].sinks:
        assert sink.status()["on"] or sink.name == "console", sink.name

    @app.get("/log")
    def log() -> str:
        logging.getLogger("app").error("an error, for every sink of log lines")
        return "ok"

    return app


def test_no_span_names_a_sinks_endpoint(make_app: AppFactory, backends: FakeBackends) -> None:
    app = calling_app(make_app, backends)
    assert {instrumentations.detail()[name] for name in CLIENTS} == {"on"}
    recorder = SpanRecorder(app)
    for _ in range(REQUESTS):
        for path in ("/log", "/api/activities/home", "/api/fault", "/rollbar/test"):
            last = get(app, path)
        flush(app)  # what it sends must not become spans that the next one sends
    spans = recorder.take()
    assert eventually(lambda: backends.spans(last.trace_id), 1)
    ports = set(re.findall(r"127\.0\.0\.1:(\d+)", " ".join(backends.environment.values())))
    assert ports
    shown = [f"{each.name} {dict(each.attributes or {})} {each.instrumentation_scope}" for each in spans]
    assert [each for each in shown if any(port in each for port in ports)] == []
    assert [each for each in shown if "opentelemetry.instrumentation" in each] == []
    assert len([each for each in spans if each.parent is None]) == REQUESTS * 4


def test_the_same_call_by_a_handler_is_traced(make_app: AppFactory, backends: FakeBackends) -> None:
    app = calling_app(make_app, backends)
    recorder = SpanRecorder(app)

    @app.get("/call")
    def call() -> str:
        return str(requests.get(backends.environment["OTEL_EXPORTER_OTLP_ENDPOINT"], timeout=5).status_code)

    get(app, "/call")
    [client, _] = recorder.take()
    assert (client.attributes or {})["url.full"] == backends.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/"
