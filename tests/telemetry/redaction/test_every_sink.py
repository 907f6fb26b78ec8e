"""No sink receives a secret, wherever the application put it; what stands beside the secret is received as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
import rollbar
from flask import Flask

from flask_onetrace.telemetry import EXTENSION
from flask_onetrace.telemetry.redaction import REDACTED
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.redaction.planted_secrets import NAMES, NEIGHBOUR, PLACES, add_route

CONSOLE = {"OTEL_TRACES_EXPORTER": "otlp,console", "LOG_CONSOLE": "true"}
UNSAMPLED = {"XRAY_SAMPLING_RULE": '{"RuleName":"none","FixedRate":0,"ReservoirSize":0}'}
VARIANTS = {
    "sampled": {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
    "as protobuf": {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
    "not sampled": UNSAMPLED,
}
LOGS = ("cloudwatch", "rollbar")
"""What unsampled requests reach, too."""


def planted(place: str) -> dict[str, str]:
    """Return a value of its own for each name, and the neighbour's."""
    number = list(PLACES).index(place)
    secrets = {name: f"pl4nted-{number}-{position}-value" for position, name in enumerate(NAMES)}
    return {NEIGHBOUR: f"harmless-{number}", **secrets}  # first: back ends show ten of many


def receive(
    app: Flask, backends: FakeBackends, place: str, capfd: pytest.CaptureFixture[str], *, segments: int
) -> Mapping[str, str]:
    """Send the request, and return the text that each sink received for it."""
    sent = PLACES[place].send(planted(place))
    headers = {
        "X-Correlation-Id": place,
        "X-Request-Id": backends.honeycomb["OTEL_EXPORTER_OTLP_ENDPOINT"],
        **sent.pop("headers", {}),
    }
    trace_id = app.test_client().post("/leak", headers=headers, buffered=True, **sent).headers["X-Trace-Id"]
    assert app.extensions[EXTENSION].flush(30)
    return {
        "honeycomb": json.dumps(backends.spans(trace_id)),
        "xray": json.dumps(eventually(lambda: backends.segments_of(trace_id), segments)),
        "cloudwatch": json.dumps(backends.lines_of(trace_id)),
        "rollbar": json.dumps(backends.items(trace_id)),
        "console": capfd.readouterr().err,
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_sink_receives_a_planted_secret(
    variant: str, make_app: AppFactory, backends: FakeBackends, capfd: pytest.CaptureFixture[str]
) -> None:
    app = make_app({**backends.environment, **CONSOLE, **VARIANTS[variant]})
    add_route(app, planted)
    is_sampled = variant != "not sampled"
    failures: list[str] = []
    for place in PLACES:
        received = receive(app, backends, place, capfd, segments=int(is_sampled))
        for sink, text in received.items():
            if "pl4nted" in text:
                start = text.index("pl4nted")
                failures.append(f"{place} in {sink}: {text[max(0, start - 120) : start + 40]}")
        for sink in PLACES[place].shown_in:
            if is_sampled or (sink in LOGS and "span" not in place):
                if planted(place)[NEIGHBOUR] not in received[sink]:
                    failures.append(f"{place} in {sink}: the neighbour is missing")
                if REDACTED not in received[sink]:
                    failures.append(f"{place} in {sink}: no mask")
    assert not failures, "\n".join(failures)


def test_what_the_application_has_the_sdk_scrub_makes_no_difference(
    make_app: AppFactory, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollbar, "_transforms", [each for each in rollbar._transforms if each.priority == 30])
    app = make_app({**backends.rollbar, "LOG_CONSOLE": "false"})
    add_route(app, planted)
    for place in ("form field", "header", "local variable", "incoming query"):
        sent = PLACES[place].send(planted(place))
        headers = {"X-Correlation-Id": place, **sent.pop("headers", {})}
        trace_id = app.test_client().post("/leak", headers=headers, buffered=True, **sent).headers["X-Trace-Id"]
        assert app.extensions[EXTENSION].flush(30)
        [item] = backends.items(trace_id)
        assert "pl4nted" not in json.dumps(item), place
