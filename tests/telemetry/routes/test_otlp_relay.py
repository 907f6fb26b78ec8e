"""`POST /v1/traces` relays the browser's spans to Honeycomb, or rejects them with the reason."""

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
    fields: dict[str, Any] = {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "click home", "kind": 1}
    times = {"startTimeUnixNano": "1669295902000000000", "endTimeUnixNano": "1669295902010000000"}
    attributes = [{"key": "user.id", "value": {"stringValue": "worf"}}]
    return {**fields, **times, "attributes": attributes, **changes}


def document(*spans: dict[str, Any], service: str = "Cruddur-Frontend") -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "page"}, "spans": [*spans]}]}]}


def protobuf(name: str = "click home") -> bytes:
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    attribute = resource_spans.resource.attributes.add(key="service.name")
    attribute.value.string_value = "Cruddur-Frontend"
    resource_spans.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(TRACE_ID), span_id=bytes.fromhex(SPAN_ID), name=name
    )
    body: bytes = message.SerializeToString()
    return body


def post(client: FlaskClient, body: bytes | dict[str, Any], media_type: str = JSON, **headers: str) -> TestResponse:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    return client.post("/v1/traces", data=data, content_type=media_type, headers={"Origin": ORIGIN, **headers})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(("body", "media_type"), [(document(span()), JSON), (protobuf(), PROTOBUF)])
def test_a_browser_span_is_relayed_to_honeycomb_and_the_relay_itself_is_not_traced(
    body: bytes | dict[str, Any], media_type: str, client: FlaskClient, backends: FakeBackends
) -> None:
    response = post(client, body, media_type)
    assert (response.status_code, response.get_json()) == (202, {})
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
    ("status", "body", "media_type", "headers", "message"),
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
    media_type: str,
    headers: dict[str, str],
    message: str,
    client: FlaskClient,
) -> None:
    response = post(client, body, media_type, **headers)
    error = response.get_json()["error"]
    assert (response.status_code, error["status"]) == (status, status)
    assert message in error["message"]


def test_sec_fetch_site_same_origin_is_accepted_behind_a_proxy(client: FlaskClient) -> None:
    headers = {"Origin": "https://cruddur.example", "Sec-Fetch-Site": "same-origin"}
    assert post(client, document(span()), **headers).status_code == 202
    assert post(client, document(span()), **{**headers, "Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_512_spans_are_accepted(client: FlaskClient, backends: FakeBackends) -> None:
    assert post(client, document(*[span(spanId=f"{number + 1:016x}") for number in range(512)])).status_code == 202
    assert len(eventually(lambda: backends.spans(TRACE_ID), 512)) == 512


def test_a_client_over_its_rate_limit_gets_429_while_others_are_served(client: FlaskClient) -> None:
    statuses = [post(client, document(span())).status_code for _ in range(121)]
    # A new minute may have started meanwhile.
    assert statuses.count(429) <= 1
    for _ in range(260):
        response = post(client, document(span()))
    assert (response.status_code, response.headers["Retry-After"]) == (429, "60")
    assert "in a minute" in response.get_json()["error"]["message"]
    assert post(client, document(span()), **{"X-Forwarded-For": "203.0.113.9"}).status_code == 202


def test_all_clients_share_a_rate_limit(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_relay, "ALL_CLIENTS", RateLimitItemPerMinute(5))
    statuses = [post(client, document(span()), **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(20)]
    assert statuses.count(429) >= 10


def test_a_honeycomb_outage_neither_fails_nor_slows_the_relay(make_app: AppFactory) -> None:
    unreachable = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "HONEYCOMB_API_KEY": "sentinel-honeycomb-key"}
    app = make_app({**unreachable, "LOG_CONSOLE": "false", "TELEMETRY_SHUTDOWN_DEADLINE": "0.2"})
    client = app.test_client()
    start = time.monotonic()
    responses = [post(client, document(span())) for _ in range(100)]
    assert {response.status_code for response in responses} == {202}
    assert time.monotonic() - start < 5
    detail = client.get("/api/health-check?detail").get_json()["sinks"]["browser"]
    assert detail["queued"] + detail["dropped"]["full"] == 100
    assert detail["dropped"]["full"] >= 30


def test_without_honeycomb_spans_are_accepted_and_dropped(make_app: AppFactory) -> None:
    client = make_app({"LOG_CONSOLE": "false"}).test_client()
    assert post(client, document(span())).status_code == 202


def test_corrupted_bodies_never_make_the_relay_fail(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_relay, "PER_CLIENT", RateLimitItemPerMinute(100_000))
    monkeypatch.setattr(otlp_relay, "ALL_CLIENTS", RateLimitItemPerMinute(100_000))
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
    assert {400} <= statuses <= {202, 400}


def test_the_configured_front_end_origin_is_allowed_by_cors(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, "FRONTEND_URL": "http://localhost:3000"})
    client, front = app.test_client(), {"Origin": "http://localhost:3000"}
    preflight_headers = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "traceparent,tracestate,baggage",
    }
    preflight = client.options("/api/activities/home", headers={**front, **preflight_headers})
    assert preflight.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert set(preflight.headers["Access-Control-Allow-Headers"].split(", ")) == {
        "traceparent",
        "tracestate",
        "baggage",
    }
    response = client.get("/api/activities/home", headers=front)
    assert {"X-Trace-Id", "Server-Timing"} <= set(response.headers["Access-Control-Expose-Headers"].split(", "))
    assert post(client, document(span()), **front).status_code == 202
    other = client.get("/api/activities/home", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_no_origin_is_allowed_without_a_configured_front_end(client: FlaskClient) -> None:
    response = client.get("/api/activities/home", headers={"Origin": "http://localhost:3000"})
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
