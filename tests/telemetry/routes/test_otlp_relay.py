"""`POST /v1/traces` relays the browser's spans to Honeycomb, or rejects them with the reason."""

from __future__ import annotations

import io
import logging
import threading
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from flask_onetrace.relay import counts as relay_counts_module
from flask_onetrace.relay import limits as relay_limits
from flask_onetrace.relay import routes as otlp_relay
from flask_onetrace.relay.browser_spans import Rebuilder
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.routes.otlp import (
    JSON,
    PROTOBUF,
    SPAN_ID,
    TRACE_ID,
    document,
    post,
    protobuf,
    relay_counts,
    span,
)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(("body", "media_type"), [(document(span()), JSON), (protobuf(), PROTOBUF)])
def test_a_browser_span_is_relayed_to_honeycomb_and_the_relay_itself_is_not_traced(
    body: bytes | dict[str, Any], media_type: str, client: FlaskClient, backends: FakeBackends
) -> None:
    response = post(client, body, media_type)
    assert (response.status_code, response.mimetype) == (200, media_type)
    assert response.data in {b"{}", b""}
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
        (413, b" " * (otlp_relay.MAX_BODY + 1), JSON, {}, "longer than 131072 bytes"),
        (413, b"{}," * 20_000, JSON, {}, "more than 10000 values"),
        (413, document(*[{}] * 513), JSON, {}, "more than 512 spans"),
        (413, {"resourceSpans": [{}] * 129}, JSON, {}, "more than 128 resources and scopes"),
        (400, b"{", JSON, {}, "invalid JSON"),
        (400, b"[]", JSON, {}, "another schema"),
        (400, b"\xff\xff", PROTOBUF, {}, ""),
        (400, document(span(), service="Backend-Flask"), JSON, {}, "only spans of the service Cruddur-Frontend"),
        (400, {"resourceSpans": [{}]}, JSON, {}, "only spans of the service Cruddur-Frontend"),
        (400, document(span(traceId="ab")), JSON, {}, "16 and 8 bytes"),
        (400, document(span(traceId="0" * 32)), JSON, {}, "16 and 8 bytes"),
        (400, document(span(parentSpanId="ab")), JSON, {}, "16 and 8 bytes"),
        (400, document(span(name="")), JSON, {}, "no name"),
        (400, document(span(kind={})), JSON, {}, "another schema"),
        (400, document(span(startTimeUnixNano="18446744073709551615")), JSON, {}, "within the last 24 hours"),
        (403, document(span()), JSON, {"Origin": "https://elsewhere.example"}, "name it in FRONTEND_URL"),
        (403, document(span()), JSON, {"Origin": "http://["}, "may not send spans here"),
        (403, document(span()), JSON, {"Origin": "null"}, "may not send spans here"),
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
    assert response.status_code == status
    if media_type != PROTOBUF:
        error = response.get_json()["error"]
        assert error["status"] == status
        assert message in error["message"]
    assert sum(relay_counts(client)["refused"].values()) == 1


def test_sec_fetch_site_same_origin_is_accepted_behind_a_proxy(client: FlaskClient) -> None:
    headers = {"Origin": "https://cruddur.example", "Sec-Fetch-Site": "same-origin"}
    assert post(client, document(span()), **headers).status_code == 200
    assert post(client, document(span()), **{**headers, "Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_relay_that_is_off_forwards_nothing_and_names_the_setting(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    client = make_app({**backends.environment, "BROWSER_RELAY": "false"}).test_client()
    response = post(client, document(span()))
    assert (response.status_code, response.get_json()["error"]["message"]) == (
        404,
        "the browser relay is off: BROWSER_RELAY=true turns it on",
    )
    assert relay_counts(client)["refused"] == {"404 off": 1}
    assert client.get("/api/activities/home", headers={"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}).status_code == 200
    spans = eventually(lambda: backends.spans(TRACE_ID), 2)
    assert "Cruddur-Frontend" not in {each["resource"]["service.name"] for each in spans}


def test_512_spans_are_accepted(client: FlaskClient, backends: FakeBackends) -> None:
    assert (
        post(client, document(*[span(spanId=f"{number + 1:016x}", attributes=[]) for number in range(512)])).status_code
        == 200
    )
    assert len(eventually(lambda: backends.spans(TRACE_ID), 512)) == 512


def test_a_protobuf_client_gets_the_reason_as_a_status_message(client: FlaskClient) -> None:
    response = post(client, b"\xff\xff", PROTOBUF)
    text = b"not an OTLP export request: invalid protobuf"
    assert (response.mimetype, response.data) == (PROTOBUF, b"\x12" + bytes([len(text)]) + text)


@pytest.mark.parametrize("media_type", [JSON, PROTOBUF])
def test_the_spans_that_were_rejected_are_a_partial_success(media_type: str, client: FlaskClient) -> None:
    if media_type == JSON:
        partial = post(client, document(span(), span(name=""))).get_json()["partialSuccess"]
        assert partial == {"rejectedSpans": 1, "errorMessage": "a span has no name"}
        return
    response = post(client, protobuf() + protobuf(""), media_type)
    partial_success = ExportTraceServiceResponse.FromString(response.data).partial_success
    assert (partial_success.rejected_spans, partial_success.error_message) == (1, "a span has no name")


def test_a_client_over_its_limit_gets_429_while_others_are_served(client: FlaskClient) -> None:
    requests = relay_limits.CLIENT_UNITS // 2
    statuses = [post(client, document(span())).status_code for _ in range(requests)]
    assert set(statuses) == {200}
    for _ in range(requests):
        response = post(client, document(span()))
        if response.status_code == 429:
            break
    assert (response.status_code, response.headers["Retry-After"]) == (429, "60")
    assert "in a minute" in response.get_json()["error"]["message"]
    assert post(client, document(span()), **{"X-Forwarded-For": "203.0.113.9"}).status_code == 200
    assert relay_counts(client)["refused"].keys() == {"429 client"}


def test_the_spans_of_all_clients_share_a_limit_that_refused_requests_do_not_touch(client: FlaskClient) -> None:
    full = document(*[span(spanId=f"{number + 1:016x}", attributes=[]) for number in range(500)])
    for number in range(50):
        post(client, full, **{"X-Forwarded-For": f"203.0.113.{number}", "Origin": "https://elsewhere.example"})
    statuses = [post(client, full, **{"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(20)]
    accepted = relay_limits.SERVICE_UNITS // 500
    assert statuses[:accepted] == [200] * accepted
    assert statuses.count(429) >= 20 - accepted - 1
    assert set(relay_counts(client)["refused"]) == {"403 origin", "429 service"}


def test_a_third_body_is_refused_while_two_are_read(client: FlaskClient, app: Flask) -> None:
    is_reading, may_end = threading.Semaphore(0), threading.Event()

    class Slow(io.RawIOBase):
        def readinto(self, _: object) -> int:
            is_reading.release()
            may_end.wait(20)
            return 0

    def send() -> None:
        environ = {"wsgi.input": Slow(), "CONTENT_LENGTH": "9", "CONTENT_TYPE": JSON}
        app.test_client().post("/v1/traces", headers={"Origin": "http://localhost"}, environ_overrides=environ)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert [is_reading.acquire(timeout=60) for _ in threads] == [True, True]
    response = post(client, document(span()))
    may_end.set()
    for thread in threads:
        thread.join(20)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    assert post(client, document(span())).status_code == 200


def test_an_unexpected_error_is_refused_counted_and_logged_once_a_minute_with_an_id(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Rebuilder, "rebuild", fail)
    messages = [post(client, document(span())).get_json()["message"] for _ in range(5)]
    records = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(records) == 1
    assert records[0].exc_info is not None
    assert messages[0].split()[-1].rstrip(")") in records[0].getMessage()
    assert relay_counts(client)["refused"] == {"400 unexpected": 5}
    rollbar = client.get("/api/health-check?detail", buffered=True).get_json()["sinks"]["rollbar"]
    assert (rollbar["on"], rollbar["queued"], rollbar["delivered"]) == (True, 0, 0)


def test_refused_requests_write_one_line_a_minute(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(app.extensions[relay_counts_module.EXTENSION], "_clock", lambda: clock[0])
    for _ in range(300):
        post(client, document(span()), "text/plain")
        post(client, b"{")
    clock[0] += 61
    client.get("/api/health-check", buffered=True)
    lines = [each.getMessage() for each in caplog.records if each.name.endswith("relay.counts")]
    assert lines == [
        "browser relay: 1 requests refused, 1 since start: 1 x 415 type",
        "browser relay: 599 requests refused, 600 since start: 300 x 400 malformed, 299 x 415 type",
    ]


def test_a_honeycomb_outage_neither_fails_nor_slows_the_relay(make_app: AppFactory) -> None:
    unreachable = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "HONEYCOMB_API_KEY": "sentinel-honeycomb-key"}
    app = make_app({**unreachable, "LOG_CONSOLE": "false", "TELEMETRY_SHUTDOWN_DEADLINE": "0.2"})
    client = app.test_client()
    start = time.monotonic()
    responses = [post(client, document(span())) for _ in range(100)]
    assert {response.status_code for response in responses} == {200}
    assert time.monotonic() - start < 50  # had each waited for one attempt to connect, or for the queue's interval
    detail = client.get("/api/health-check?detail").get_json()["sinks"]["browser"]
    assert detail["queued"] + detail["dropped"]["full"] == 100
    assert detail["dropped"]["full"] >= 30


def test_without_honeycomb_spans_are_accepted_and_dropped(make_app: AppFactory) -> None:
    client = make_app({"LOG_CONSOLE": "false"}).test_client()
    assert post(client, document(span())).status_code == 200
