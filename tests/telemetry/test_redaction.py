"""No secret setting leaves the process: redaction follows from the type `Secret`, not from a list of names."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from service import parsing, telemetry
from service.factory import create_app
from service.settings import Settings, variable
from service.telemetry import EXTENSION
from service.telemetry.config import Secret
from service.telemetry.redaction import Redactor
from tests.telemetry.backends import FakeBackends, eventually

SECRET = 'made-up-"secret\\value'
PLAIN = "made-up-secret-0123456789"
PROTOCOLS = ("http/json", "http/protobuf")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsWithSecret(Settings):
    """The service's settings and two further secrets."""

    made_up_secret: Secret[str] | None = variable("MADE_UP_SECRET", parsing.secret, None)
    another_secret: Secret[str] | None = variable("ANOTHER_SECRET", parsing.secret, None)


@pytest.fixture(params=PROTOCOLS)
def app(request: pytest.FixtureRequest, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    for name, value in backends.aws.items():
        monkeypatch.setenv(name, value)
    environment = {
        **backends.environment,
        "LOG_CONSOLE": "true",
        "OTEL_EXPORTER_OTLP_PROTOCOL": request.param,
        "MADE_UP_SECRET": SECRET,
        "ANOTHER_SECRET": PLAIN,
    }
    app = create_app(SettingsWithSecret.from_env(environment))

    @app.get("/leak/<path:value>")
    def leak(value: str) -> str:
        made_up_secret = value[:12]  # a part of it, under its own name
        local_variable = [value, {"nested": value}]
        telemetry.identify(value)
        telemetry.annotate(annotated=value, made_up_secret=made_up_secret)
        logging.getLogger("shop").warning("said %s", value, extra={"fields": {"MADE_UP_SECRET": made_up_secret}})
        with xray_recorder.in_subsegment("inner") as subsegment:
            subsegment.put_metadata("meta", {"value": value, "made_up_secret": made_up_secret})
            subsegment.put_annotation("note", value)
        # A segment's name has no quotes: with them, the name would not be the secret any more.
        name = value if value == PLAIN else "inner"
        with trace.get_tracer("shop").start_as_current_span(name) as span:
            span.add_event("event", {"value": value})
        raise ValueError(f"{value} {local_variable}")

    yield app
    app.extensions[EXTENSION].shutdown()


@pytest.mark.parametrize("secret", [SECRET, PLAIN])
def test_a_made_up_secret_is_found_in_no_sink(
    secret: str, app: Flask, backends: FakeBackends, capsys: pytest.CaptureFixture[str]
) -> None:
    trace_id = app.test_client().get(f"/leak/{secret}", buffered=True).headers["X-Trace-Id"]
    received = {
        "honeycomb": eventually(lambda: backends.spans(trace_id), 3),
        "xray": eventually(lambda: backends.segments_of(trace_id), 1),
        "cloudwatch": eventually(lambda: backends.lines_of(trace_id), 3),
        "rollbar": eventually(lambda: backends.items(trace_id), 1),
        "console": [line for line in capsys.readouterr().err.splitlines() if trace_id in line],
    }
    for name, documents in received.items():
        assert documents, name
        text = json.dumps(documents)
        for escaped in (secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret)[1:-1])[1:-1], "made-up-"):
            if escaped != "made-up-" or app.extensions[EXTENSION].config.sinks[0].otlp_protocol == "http/json":
                assert escaped not in text, name


def test_what_stands_under_a_secrets_name_is_redacted_too() -> None:
    redact = Redactor({"API_KEY_OF_US": ("a-long-enough-key",)})
    attribute = b'{"key":"API_KEY_OF_US","value":{"stringValue":"y"}}'
    body = b'{"API_KEY_OF_US":"part of \\"it\\"","API_KEY":"x","attributes":[%b]}' % attribute
    assert json.loads(redact.json(body)) == {
        "API_KEY_OF_US": "[redacted]",
        "API_KEY": "x",
        "attributes": [{"key": "API_KEY_OF_US", "value": {"stringValue": "[redacted]"}}],
    }


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_value_is_found_in_json_and_in_json_within_json(depth: int) -> None:
    redact = Redactor({"SECRET": (SECRET,)})
    text = f"before {SECRET} after"
    for _ in range(depth):
        text = json.dumps(text)
    redacted = redact.json(text.encode()).decode()
    for _ in range(depth):
        redacted = json.loads(redacted)
    assert redacted == "before [redacted] after"


def test_a_short_value_is_left_alone_as_harmless_text_may_hold_it() -> None:
    assert Redactor({"PIN": ("1234",)}).json(b'{"a":"1234"}') == b'{"a":"1234"}'


def test_the_settings_name_every_secret_by_field_variable_and_header() -> None:
    settings = Settings.from_env(
        {"HONEYCOMB_API_KEY": "the-key-of-honeycomb", "OTEL_EXPORTER_OTLP_HEADERS": "x-other-header=its-value"}
    )
    assert settings.secrets() == {
        "honeycomb_api_key": ("the-key-of-honeycomb",),
        "HONEYCOMB_API_KEY": ("the-key-of-honeycomb",),
        "otlp_headers": ("its-value",),
        "OTEL_EXPORTER_OTLP_HEADERS": ("its-value",),
        "x-other-header": ("its-value",),
    }
