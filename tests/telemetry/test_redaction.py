"""No secret setting leaves the process: redaction follows from the type `Secret`, not from a list of names."""

from __future__ import annotations

import json
import logging
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import orjson
import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from bench.testbed.application import NAMES
from flask_onetrace import parsing, telemetry
from flask_onetrace.settings import Settings, variable
from flask_onetrace.telemetry import EXTENSION
from flask_onetrace.telemetry.config import Secret
from flask_onetrace.telemetry.redaction import Redactor
from service.factory import create_app
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory

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
    app = create_app(SettingsWithSecret.from_env({**NAMES, **environment}))

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
    assert app.extensions[EXTENSION].flush(10)
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
    body = b'{"API_KEY_OF_US":"part of \\"it\\"","FEED":"x","attributes":[%b]}' % attribute
    assert redact.value(json.loads(body)) == {
        "API_KEY_OF_US": "REDACTED",
        "FEED": "x",
        "attributes": [{"key": "API_KEY_OF_US", "value": "REDACTED"}],
    }


@pytest.mark.parametrize("depth", [1, 2])
def test_a_value_is_found_in_json_and_in_json_within_json(depth: int) -> None:
    redact = Redactor({"SECRET": (SECRET,)})
    text = f"before {SECRET} after"
    for _ in range(depth):
        text = json.dumps(text)
    redacted = redact.json(text.encode()).decode()
    for _ in range(depth):
        redacted = json.loads(redacted)
    assert redacted == "before REDACTED after"


def test_a_short_value_is_left_alone_as_harmless_text_may_hold_it() -> None:
    assert Redactor({"PIN": ("1234",)}).json(b'{"a":"1234"}') == b'{"a":"1234"}'


def test_the_settings_name_every_secret_by_field_variable_and_header() -> None:
    settings = Settings.from_env(
        {"HONEYCOMB_API_KEY": "the-key-of-honeycomb", "OTEL_EXPORTER_OTLP_HEADERS": "x-other-header=its-value-1"}
    )
    assert settings.secrets() == {
        "honeycomb_api_key": ("the-key-of-honeycomb",),
        "HONEYCOMB_API_KEY": ("the-key-of-honeycomb",),
        "otlp_headers": ("its-value-1",),
        "OTEL_EXPORTER_OTLP_HEADERS": ("its-value-1",),
        "x-other-header": ("its-value-1",),
    }


@pytest.mark.parametrize("seed", range(20))
def test_a_redacted_body_is_valid_json_without_the_secret_whatever_surrounds_it(seed: int) -> None:
    draw = random.Random(seed)
    secret = "".join(draw.choice(string.ascii_letters + string.digits + '"\\/+=%') for _ in range(draw.randint(8, 40)))
    redact = Redactor({"THE_SECRET": (secret,)})
    for _ in range(200):
        before, after = ("".join(draw.choice('ab1"\\n/+=% é\n\t') for _ in range(draw.randint(0, 6))) for _ in range(2))
        form = draw.choice([secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe="")])
        other = draw.choice([None, 1.5, "text", ["list"], {"of": "anything"}])
        document = {before: [f"{before}{form}{after}", {"key": other, "none": None, "part": before}]}
        redacted = json.loads(redact.json(orjson.dumps(document)))
        [[text, nested]] = redacted.values()
        assert secret not in text
        assert form not in text
        assert nested == {"key": other, "none": None, "part": before}


def test_harmless_json_is_returned_as_it_is() -> None:
    body = b'{"a": "nothing secret", "n": [1, 2.50]}'
    assert Redactor({"KEY": ("a-secret-of-some-length",)}).json(body) is body


def test_a_secret_that_is_cut_off_is_recognised_by_its_beginning() -> None:
    redact = Redactor({"KEY": ("hcaik_01hq0123456789abcdefghijklmnop",)})
    assert redact.text("curl -H 'x-honeycomb-team: hcaik_01hq0123456789abc") == "curl -H 'x-honeycomb-team: REDACTED"
    assert redact.same_length(b"..hcaik_01hq0123456789ab..") == b".." + b"*" * 22 + b".."


def test_a_header_that_names_what_is_public_is_no_secret(make_app: AppFactory, backends: FakeBackends) -> None:
    headers = "x-honeycomb-team=a-secret-team-key-1,x-honeycomb-dataset=Backend-Flask,x-env=production"
    app = make_app({**backends.environment, "OTEL_EXPORTER_OTLP_HEADERS": headers})
    trace_id = app.test_client().get("/api/activities/home?env=production", buffered=True).headers["X-Trace-Id"]
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert segment["name"] == "Backend-Flask"
    assert "redacted" not in json.dumps(segment)


def test_the_detail_of_the_health_check_hides_a_secret_in_an_error(make_app: AppFactory) -> None:
    app = make_app({"ROLLBAR_ACCESS_TOKEN": "sentinel-token-of-rollbar", "LOG_CONSOLE": "false"})
    queue = app.extensions[EXTENSION].queue_of("rollbar")
    queue._sender.last_error = "https://hooks.example.com/sentinel-token-of-rollbar answered 404"
    detail = app.test_client().get("/api/health-check?detail").json
    assert detail is not None
    assert detail["sinks"]["rollbar"]["last_error"] == "https://hooks.example.com/REDACTED answered 404"


def test_spans_on_the_console_are_redacted_too(make_app: AppFactory, capfd: pytest.CaptureFixture[str]) -> None:
    app = make_app({"OTEL_TRACES_EXPORTER": "console", "LOG_CONSOLE": "false", "ROLLBAR_ACCESS_TOKEN": PLAIN})
    app.test_client().get(f"/api/activities/search?term={PLAIN}", buffered=True)
    assert app.extensions[EXTENSION].flush(5)
    printed = capfd.readouterr().err
    assert "search_activities" in printed
    assert PLAIN not in printed
