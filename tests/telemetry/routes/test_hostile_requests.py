"""No header and no body makes the relay fail."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_onetrace.relay import limits as relay_limits
from tests.telemetry.routes.otlp import JSON, PROTOBUF, SPAN_ID, TRACE_ID, document, post, protobuf, relay_counts, span


@pytest.fixture
def client(honeycomb_app: Flask) -> FlaskClient:
    return honeycomb_app.test_client()


def hostile_headers(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield headers in WSGI's form, with texts that parsers stumble over."""
    texts = [
        "",
        "[",
        "http://[",
        "http://[::1",
        "\xff\xfe",
        "é",
        "a b",
        "x" * 8000,
        ",",
        ";;;",
        "=",
        "null",
        "-1",
        "1e9",
    ]
    texts += ["http://x:99999", "\t", "gzip, br", "application/json; charset=\xff", "multipart/form-data", "٣", "%00"]
    names = ["HTTP_ORIGIN", "HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_ENCODING", "HTTP_USER_AGENT"]
    names += [
        "HTTP_X_FORWARDED_FOR",
        "HTTP_SEC_FETCH_SITE",
        "HTTP_COOKIE",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_TRACEPARENT",
    ]
    names += ["HTTP_X_CRUDDUR_USER", "HTTP_AUTHORIZATION", "HTTP_EXPECT", "REMOTE_ADDR", "HTTP_X_FORWARDED_HOST"]
    for name in rng.sample(names, rng.randint(1, 4)):
        text = rng.choice(texts)
        yield name, rng.choice([text, text * 2, "".join(rng.choice(texts)[:20] for _ in range(3))])


def test_no_header_and_no_body_makes_a_5xx_or_an_error_report(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(2026)
    values: list[Any] = [None, 0, -1, 2**70, 1.5, True, "", "x", [], {}, [None], {"a": {}}, "\u0000"]
    for number in range(600):
        raw = span(**{rng.choice([*span(), "events", "links", "status", "parentSpanId"]): rng.choice(values)})
        body = document(raw)
        body[rng.choice(["resourceSpans", "x"])] = rng.choice([*values, body["resourceSpans"], body["resourceSpans"]])
        address = f"198.51.{number % 250}.1"
        response = client.open(
            "/v1/traces",
            method=rng.choice(["POST", "POST", "POST", "GET", "PUT", "OPTIONS", "HEAD", "BREW"]),
            json=body,
            headers={"Origin": "http://localhost", "X-Forwarded-For": address},
            environ_overrides=dict(hostile_headers(rng)) if number % 2 else {},
            buffered=True,
        )
        assert response.status_code in {200, 400, 403, 405, 413, 415, 429}, response.data
    assert "400 unexpected" not in relay_counts(client)["refused"]
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


def test_corrupted_bodies_never_make_the_relay_fail(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_limits.RelayLimiter, "take", lambda *_: None)
    monkeypatch.setattr(relay_limits.RelayLimiter, "take_request", lambda *_: True)
    rng = random.Random(2026)
    bodies = {JSON: json.dumps(document(span(), span(links=[{"traceId": TRACE_ID, "spanId": SPAN_ID}]))).encode()}
    bodies[PROTOBUF] = protobuf()
    statuses = set()
    for number in range(1_500):
        media_type = JSON if number % 2 else PROTOBUF
        body = bytearray(bodies[media_type])
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(body))
            body[at : at + rng.randint(0, 4)] = rng.randbytes(rng.randint(0, 4))
        statuses.add(post(client, bytes(body), media_type).status_code)
    deep = b'{"resourceSpans":' + b"[" * 900 + b"]" * 900 + b"}"
    statuses |= {
        post(client, each).status_code for each in (deep, b"", b"null", b"1e999", b'{"resourceSpans":{"a":1}}')
    }
    assert {400} <= statuses <= {200, 400}
