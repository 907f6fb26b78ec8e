"""What the browser sends to `POST /v1/traces` reaches Honeycomb with the key, or is refused with the reason."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import RateLimitItemPerMinute
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from werkzeug.test import TestResponse

from service.routes import otlp_relay
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory

ORIGIN = "http://localhost"
TRACE_ID, SPAN_ID = "637f6f1e" + "ab" * 12, "cd" * 8
JSON, PROTOBUF = "application/json", "application/x-protobuf"


def span(**changes: object) -> dict[str, Any]:
    made: dict[str, Any] = {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "click home", "kind": 1}
    times = {"startTimeUnixNano": "1669295902000000000", "endTimeUnixNano": "1669295902010000000"}
    attributes = [{"key": "user.id", "value": {"stringValue": "worf"}}]
    return {**made, **times, "attributes": attributes, **changes}


def document(*spans: dict[str, Any], service: str = "Cruddur-Frontend") -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "page"}, "spans": [*spans]}]}]}


def protobuf(name: str = "click home") -> bytes:
    message = ExportTraceServiceRequest()
    found = message.resource_spans.add()
    named = found.resource.attributes.add(key="service.name")
    named.value.string_value = "Cruddur-Frontend"
    found.scope_spans.add().spans.add(trace_id=bytes.fromhex(TRACE_ID), span_id=bytes.fromhex(SPAN_ID), name=name)
    written: bytes = message.SerializeToString()
    return written


def post(client: FlaskClient, body: bytes | dict[str, Any], kind: str = JSON, **headers: str) -> TestResponse:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    return client.post("/v1/traces", data=data, content_type=kind, headers={"Origin": ORIGIN, **headers})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(("body", "kind"), [(document(span()), JSON), (protobuf(), PROTOBUF)])
def test_a_browser_span_is_relayed_to_honeycomb_and_the_relay_itself_is_not_traced(
    body: bytes | dict[str, Any], kind: str, client: FlaskClient, backends: FakeBackends
) -> None:
    answer = post(client, body, kind)
    assert (answer.status_code, answer.get_json()) == (202, {})
    joined = client.get("/api/activities/home", headers={"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}, buffered=True)
    assert joined.headers["X-Trace-Id"] == TRACE_ID
    spans = eventually(lambda: backends.spans(TRACE_ID), 3)
    names = {(each["name"], each["resource"]["service.name"]) for each in spans}
    assert names == {
        ("click home", "Cruddur-Frontend"),
        ("GET /api/activities/home", "Backend-Flask"),
        ("HomeActivities-MockData", "Backend-Flask"),
    }
    eventually(lambda: backends.lines_of(TRACE_ID), 1)
    assert [line["path"] for line in backends.logs.lines] == ["/api/activities/home"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "headers", "said"),
    [
        (415, document(span()), "text/plain", {}, "application/json or application/x-protobuf"),
        (415, document(span()), JSON, {"Content-Encoding": "gzip"}, "uncompressed"),
        (413, b" " * (otlp_relay.MAX_BODY + 1), JSON, {}, "longer than 262144 bytes"),
        (413, document(*[span()] * 513), JSON, {}, "513 spans are too many"),
        (400, b"{", JSON, {}, "invalid JSON"),
        (400, b"[]", JSON, {}, "another schema"),
        (400, b"\xff\xff", PROTOBUF, {}, "invalid protobuf"),
        (400, document(span(), service="Backend-Flask"), JSON, {}, "only spans of the service Cruddur-Frontend"),
        (400, {"resourceSpans": [{}]}, JSON, {}, "only spans of the service Cruddur-Frontend"),
        (400, document(span(traceId="ab")), JSON, {}, "a traceId must have 32 digits"),
        (400, document(span(traceId="0" * 32)), JSON, {}, "ids must have 16 and 8 bytes"),
        (400, document(span(name="")), JSON, {}, "no name"),
        (400, document(span(kind={})), JSON, {}, "another schema"),
        (403, document(span()), JSON, {"Origin": "https://elsewhere.example"}, "name it in FRONTEND_URL"),
        (403, document(span()), JSON, {"Origin": ""}, "may not send spans here"),
    ],
)
def test_an_invalid_request_is_rejected_with_the_reason(  # noqa: PLR0917 - a column each
    status: int,
    body: bytes | dict[str, Any],
    kind: str,
    headers: dict[str, str],
    said: str,
    client: FlaskClient,
) -> None:
    answer = post(client, body, kind, **headers)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["status"]) == (status, status)
    assert said in error["message"]


def test_sec_fetch_site_same_origin_is_accepted_behind_a_proxy(client: FlaskClient) -> None:
    behind = {"Origin": "https://cruddur.example", "Sec-Fetch-Site": "same-origin"}
    assert post(client, document(span()), **behind).status_code == 202
    assert post(client, document(span()), **{**behind, "Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_512_spans_are_accepted(client: FlaskClient, backends: FakeBackends) -> None:
    assert post(client, document(*[span(spanId=f"{number + 1:016x}") for number in range(512)])).status_code == 202
    assert len(eventually(lambda: backends.spans(TRACE_ID), 512)) == 512


def test_a_client_over_its_rate_limit_gets_429_while_others_are_served(client: FlaskClient) -> None:
    statuses = [post(client, document(span())).status_code for _ in range(121)]
    # The minute may have turned meanwhile.
    assert statuses.count(429) <= 1
    for _ in range(260):
        answer = post(client, document(span()))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "in a minute" in answer.get_json()["error"]["message"]
    assert post(client, document(span()), **{"X-Forwarded-For": "203.0.113.9"}).status_code == 202


def test_all_clients_share_a_rate_limit(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_relay, "ALL_CLIENTS", RateLimitItemPerMinute(5))
    statuses = [post(client, document(span()), **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(20)]
    assert statuses.count(429) >= 10


def test_a_honeycomb_outage_neither_fails_nor_slows_the_relay(make_app: AppFactory) -> None:
    nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "HONEYCOMB_API_KEY": "sentinel-honeycomb-key"}
    app = make_app({**nobody, "LOG_CONSOLE": "false", "TELEMETRY_SHUTDOWN_DEADLINE": "0.2"})
    client = app.test_client()
    begun = time.monotonic()
    answers = [post(client, document(span())) for _ in range(100)]
    assert {answer.status_code for answer in answers} == {202}
    assert time.monotonic() - begun < 5
    detail = client.get("/api/health-check?detail").get_json()["sinks"]["browser"]
    assert detail["queued"] + detail["dropped"]["full"] == 100
    assert detail["dropped"]["full"] >= 30


def test_without_honeycomb_spans_are_accepted_and_dropped(make_app: AppFactory) -> None:
    client = make_app({"LOG_CONSOLE": "false"}).test_client()
    assert post(client, document(span())).status_code == 202


def test_corrupted_bodies_never_make_the_relay_fail(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_relay, "PER_CLIENT", RateLimitItemPerMinute(100_000))
    monkeypatch.setattr(otlp_relay, "ALL_CLIENTS", RateLimitItemPerMinute(100_000))
    chance = random.Random(2026)
    whole = {JSON: json.dumps(document(span(), span(links=[{"traceId": TRACE_ID, "spanId": SPAN_ID}]))).encode()}
    whole[PROTOBUF] = protobuf()
    seen = set()
    for number in range(1_500):
        kind = JSON if number % 2 else PROTOBUF
        body = bytearray(whole[kind])
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(body))
            body[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        seen.add(post(client, bytes(body), kind).status_code)
    deep = b'{"resourceSpans":' + b"[" * 900 + b"]" * 900 + b"}"
    seen |= {post(client, each).status_code for each in (deep, b"", b"null", b"1e999", b'{"resourceSpans":{"a":1}}')}
    assert {400} <= seen <= {202, 400}


def test_the_configured_front_end_origin_is_allowed_by_cors(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, "FRONTEND_URL": "http://localhost:3000"})
    client, front = app.test_client(), {"Origin": "http://localhost:3000"}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "traceparent,tracestate,baggage"}
    preflight = client.options("/api/activities/home", headers={**front, **asked})
    assert preflight.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert set(preflight.headers["Access-Control-Allow-Headers"].split(", ")) == {
        "traceparent",
        "tracestate",
        "baggage",
    }
    answer = client.get("/api/activities/home", headers=front)
    assert {"X-Trace-Id", "Server-Timing"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert post(client, document(span()), **front).status_code == 202
    other = client.get("/api/activities/home", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_no_origin_is_allowed_without_a_configured_front_end(client: FlaskClient) -> None:
    answer = client.get("/api/activities/home", headers={"Origin": "http://localhost:3000"})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
