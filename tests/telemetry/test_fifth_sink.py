"""A further sink is one folder and one line; the rest follows: settings, health check, redaction, spans, segments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from flask import Flask, request

from bench.testbed.application import NAMES
from flask_onetrace import parsing
from flask_onetrace.settings import Settings, variable
from flask_onetrace.telemetry import EXTENSION, sinks
from flask_onetrace.telemetry.config import Secret
from local.fakes.server import LocalServer
from service.factory import create_app
from tests.telemetry.backends import Document, FakeBackends, eventually

KEY = "sentinel-error-tracker-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedSettings(Settings):
    """The two settings that the sink needs."""

    error_tracker_key: Secret[str] | None = variable("ERROR_TRACKER_KEY", parsing.secret, None)
    error_tracker_endpoint: str = variable("ERROR_TRACKER_ENDPOINT", parsing.base_url("https://errors.example.com"), "")


class Tracker:
    """Keep the events that a client with the key posts."""

    def __init__(self) -> None:
        self.events: list[Document] = []

    def app(self) -> Flask:
        app = Flask("error-tracker")
        app.post("/")(self.receive)
        return app

    def receive(self) -> tuple[Document, int]:
        if request.headers.get("authorization") != KEY:
            return {}, 401
        self.events += request.get_json()
        return {}, 202


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch, backends: FakeBackends) -> Iterator[tuple[Flask, Tracker]]:
    monkeypatch.setattr(sinks, "SINKS", [*sinks.SINKS, "tests.telemetry.error_tracker"])
    for name, value in backends.aws.items():
        monkeypatch.setenv(name, value)
    tracker = Tracker()
    with closing(LocalServer(tracker.app())) as server:
        environment = {
            **NAMES,
            **backends.environment,
            "FAULT_ROUTES": "true",
            "ERROR_TRACKER_KEY": KEY,
            "ERROR_TRACKER_ENDPOINT": server.url,
        }
        app = create_app(TrackedSettings.from_env(environment))
        yield app, tracker
        app.extensions[EXTENSION].shutdown()


def test_an_error_reaches_the_fifth_sink_and_its_event_id_reaches_the_span_and_the_segment(
    tracker: tuple[Flask, Tracker], backends: FakeBackends
) -> None:
    app, error_tracker = tracker
    trace_id = app.test_client().get("/api/fault", buffered=True).headers["X-Trace-Id"]
    [event] = eventually(lambda: error_tracker.events, 1)
    assert event["trace_id"] == trace_id
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    assert span["attributes"]["error_tracker.event_id"] == event["event_id"]
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert segment["annotations"]["error_tracker_event_id"] == event["event_id"]
    [item] = eventually(lambda: backends.items(trace_id), 1)
    assert segment["annotations"]["rollbar_uuid"] == item["uuid"]


def test_the_health_check_shows_the_fifth_sink(tracker: tuple[Flask, Tracker]) -> None:
    app, _ = tracker
    health = app.test_client().get("/api/health-check").json
    assert health is not None
    assert health["sinks"]["error-tracker"] == {"on": True}


def test_the_fifth_sinks_key_is_in_no_other_sink_though_nothing_lists_it(
    tracker: tuple[Flask, Tracker], backends: FakeBackends
) -> None:
    app, error_tracker = tracker

    @app.get("/leak")
    def leak() -> str:
        credentials_of_the_day = KEY
        raise ValueError(f"cannot use {credentials_of_the_day}")

    trace_id = app.test_client().get("/leak", buffered=True).headers["X-Trace-Id"]
    [event] = eventually(lambda: error_tracker.events, 1)
    assert event["message"] == "cannot use REDACTED"
    [item] = eventually(lambda: backends.items(trace_id), 1)
    assert "REDACTED" in json.dumps(item)
    assert KEY not in json.dumps(item)


def test_a_sink_without_its_setting_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "SINKS", [*sinks.SINKS, "tests.telemetry.error_tracker"])
    app = create_app(TrackedSettings.from_env({"LOG_CONSOLE": "false"}))
    assert app.extensions[EXTENSION].sink("error-tracker").off_because == "ERROR_TRACKER_KEY is not set"
    app.extensions[EXTENSION].shutdown()


def test_every_setting_that_a_sink_names_is_a_setting() -> None:
    configs = sinks.configs_from(Settings.from_env({}))
    assert len(configs) == len(sinks.SINKS)
