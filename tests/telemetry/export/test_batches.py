"""Batches are bounded in bytes: neither a sink that takes little at once nor one that stalls costs spans that fit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from flask import Flask

from flask_onetrace import telemetry
from tests.telemetry.backends import KEYS
from tests.telemetry.conftest import AppFactory
from tests.telemetry.export.http_server import Handler, RecordingServer, Serve
from tests.telemetry.tracing import telemetry_of

LARGEST_HEADERS = {
    "User-Agent": "u" * 8_000,
    "X-Forwarded-For": "f" * 8_000,
    "Cookie": "c" * 8_000,
    "baggage": f"b={'b' * 8_000}",
    "X-Anything": "x" * 8_000,
}


@pytest.fixture
def app_of(make_app: AppFactory) -> Callable[[RecordingServer], Flask]:
    """Create an app that sends its spans to a server."""

    def create(server: RecordingServer) -> Flask:
        return make_app(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
                "HONEYCOMB_API_KEY": KEYS["HONEYCOMB_API_KEY"],
                "LOG_CONSOLE": "false",
            }
        )

    return create


def span_names(bodies: list[bytes]) -> list[str]:
    resources = [each for body in bodies for each in json.loads(body)["resourceSpans"]]
    return [span["name"] for each in resources for scope in each["scopeSpans"] for span in scope["spans"]]


def test_a_server_that_accepts_small_requests_alone_gets_every_span_but_the_one_that_is_too_large(
    app_of: Callable[[RecordingServer], Flask], serve: Serve
) -> None:
    accepted: list[bytes] = []

    def reply(handler: Handler) -> None:
        body = handler.server.requests[-1][2]
        is_small = len(body) <= 20_000
        if is_small:
            accepted.append(body)
        handler.respond(status=200 if is_small else 413)

    app = app_of(serve(RecordingServer(reply)))

    @app.get("/large")
    def large() -> str:
        with telemetry.span("large", **{f"part_{number}": "x" * 7_000 for number in range(10)}):
            return ""

    client = app.test_client()
    for number in range(80):
        client.get("/large" if number == 40 else "/api/health-check?detail", buffered=True)
        client.get("/api/activities/notifications", buffered=True)
    assert telemetry_of(app).flush(30)
    names = span_names(accepted)
    assert names.count("GET /api/activities/notifications") == 80
    assert names.count("GET /large") == 1
    assert "large" not in names
    counts = telemetry_of(app).sink("honeycomb").detail()["dropped"]
    assert counts == {"full": 0, "failed": 0, "refused": 1, "repeated": 0}


def test_a_stall_of_three_seconds_costs_no_span_even_with_the_largest_headers(
    app_of: Callable[[RecordingServer], Flask], serve: Serve
) -> None:
    stalls = [3.0]

    def reply(handler: Handler) -> None:
        time.sleep(stalls.pop() if stalls else 0)
        handler.respond()

    server = serve(RecordingServer(reply))
    app = app_of(server)
    client = app.test_client()
    path = f"/api/activities/{'p' * 3_900}?q={'q' * 4_000}"
    for _ in range(700):
        client.get(path, headers=LARGEST_HEADERS, buffered=True)
    sink = telemetry_of(app).sink("honeycomb")
    assert telemetry_of(app).flush(30)
    assert sink.detail()["dropped"] == {"full": 0, "failed": 0, "refused": 0, "repeated": 0}
    bodies = [body for _, _, body in server.requests]
    assert len(span_names(bodies)) == 700
    assert max(map(len, bodies)) <= 4 * 1024 * 1024
