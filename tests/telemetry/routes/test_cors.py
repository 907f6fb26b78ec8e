"""CORS allows the configured origins, compared exactly, and no other."""

from __future__ import annotations

import random

import pytest
from flask.testing import FlaskClient

from flask_onetrace.parsing import origins
from flask_onetrace.settings import Settings
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.routes.otlp import document, post, span

ALLOWED = ("https://app.example.com", "http://localhost:3000", "http://[::1]:3000")
ALLOW_ORIGIN = "Access-Control-Allow-Origin"


@pytest.fixture
def client(make_app: AppFactory, backends: FakeBackends) -> FlaskClient:
    return make_app({**backends.honeycomb, "LOG_CONSOLE": "false", "FRONTEND_URL": ",".join(ALLOWED)}).test_client()


@pytest.mark.parametrize("origin", ALLOWED)
def test_a_configured_front_end_may_call_and_read_the_trace_headers(origin: str, client: FlaskClient) -> None:
    front = {"Origin": origin}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "traceparent,baggage"}
    preflight = client.options("/api/activities/home", headers={**front, **asked}, buffered=True)
    assert preflight.headers[ALLOW_ORIGIN] == origin
    assert {"traceparent", "tracestate", "baggage"} <= set(
        preflight.headers["Access-Control-Allow-Headers"].split(", ")
    )
    response = client.get("/api/activities/home", headers=front, buffered=True)
    assert response.headers[ALLOW_ORIGIN] == origin
    assert "Origin" in response.headers["Vary"]
    assert {"X-Trace-Id", "Server-Timing"} <= set(response.headers["Access-Control-Expose-Headers"].split(", "))
    relayed = post(client, document(span()), **front)
    assert (relayed.status_code, relayed.headers[ALLOW_ORIGIN]) == (200, origin)


def variants(rng: random.Random) -> str:
    """Return an origin that resembles an allowed one."""
    origin = rng.choice(ALLOWED)
    at = rng.randrange(len(origin))
    return rng.choice(
        [
            origin.upper(),
            origin + rng.choice([".", "/", ":443", ":80", ".evil.net", "\t", " ", "0", "@evil.net", "#", ",*"]),
            rng.choice(["x", "https://evil.net/", "user@", " "]) + origin,
            origin[:at] + rng.choice("x.*-[]\\^$@:é") + origin[at + 1 :],
            origin[:at] + origin[at + 1 :],
            origin.replace("https", "http").replace("://", "://x"),
            rng.choice(["null", "*", "http://[", "https://", "file://", "https://xexample.com.evil.net"]),
        ]
    )


def test_no_origin_but_the_configured_ones_is_ever_echoed(client: FlaskClient) -> None:
    rng = random.Random(2026)
    for _ in range(300):
        origin = variants(rng)
        response = client.options(
            rng.choice(["/api/health-check", "/v1/traces", "/api/no-such-path"]),
            environ_overrides={"HTTP_ORIGIN": origin, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"},
            buffered=True,
        )
        named = {value for name, value in response.headers if name.startswith("Access-Control-")}
        assert not named or origin in ALLOWED, origin


def test_a_caller_without_an_origin_is_told_none(client: FlaskClient) -> None:
    response = client.get("/api/health-check", buffered=True)
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
    assert response.headers["Vary"] == "Origin"


def test_no_origin_is_allowed_without_a_configured_front_end(app_without_front_end: FlaskClient) -> None:
    headers = {"Origin": "http://localhost:3000"}
    response = app_without_front_end.get("/api/activities/home", headers=headers, buffered=True)
    assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]


@pytest.fixture
def app_without_front_end(make_app: AppFactory) -> FlaskClient:
    return make_app({"LOG_CONSOLE": "false"}).test_client()


@pytest.mark.parametrize(
    "text",
    [
        "https://*.example.com",
        "*",
        "null",
        "https://App.example.com",
        "HTTPS://app.example.com",
        "https://app.example.com.",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://app.example.com:08080",
        "https://app.example.com:65536",
        "https://app.example.com/path",
        "https://app.example.com?a=b",
        "https://app.example.com#a",
        "https://app..example.com",
        "https://-app.example.com",
        "https://bücher.example",
        "https://app.example.com\\evil.net",
        "https://app\t.example.com",
        "https://127.1",
        "https://0x7f000001",
        "https://[0:0:0:0:0:0:0:1]",
        "https://[::1",
        "https://",
        "ftp://app.example.com",
        "app.example.com",
        "https://app.example.com//",
    ],
)
def test_what_is_no_origin_as_browsers_send_it_is_refused_with_the_remedy(text: str) -> None:
    settings = Settings.from_env({"FRONTEND_URL": text})
    assert "set scheme and host in lower case" in settings.unusable_variables["FRONTEND_URL"]
    assert settings.frontend_origins == frozenset()


def test_an_origin_with_a_password_is_refused_without_showing_it() -> None:
    settings = Settings.from_env({"FRONTEND_URL": "https://user:sentinel@app.example.com"})
    assert "contains a user name or password" in settings.unusable_variables["FRONTEND_URL"]
    assert "sentinel" not in repr(settings)


def test_origins_as_browsers_send_them_are_accepted() -> None:
    expected = {*ALLOWED, "http://127.0.0.1:8080", "http://my_host", "https://xn--bcher-kva.example"}
    assert origins(", ".join(expected)) == expected
    assert origins("https://app.example.com/") == {"https://app.example.com"}
