"""The relay forwards what it understands of a browser's spans, and nothing that the back end owns."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from flask_onetrace.relay.browser_spans import MAX_NAME
from flask_onetrace.telemetry import EXTENSION
from flask_onetrace.telemetry.redaction import REDACTED
from flask_onetrace.telemetry.sinks.otlp import browser
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.routes.otlp import PROTOBUF, SPAN_ID, TRACE_ID, attribute, document, post, relay_counts, span

HOUR = 3600 * 10**9


@pytest.fixture
def app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    return make_app({**backends.honeycomb, "LOG_CONSOLE": "false", "TRUST_USER_HEADER": "true"})


@pytest.fixture
def relayed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[ExportTraceServiceRequest]:
    """The messages that the relay queues for Honeycomb."""
    messages: list[ExportTraceServiceRequest] = []
    queue = app.extensions[EXTENSION].queue_of(browser.NAME)
    monkeypatch.setattr(queue, "put", lambda body: messages.append(ExportTraceServiceRequest.FromString(body)))
    return messages


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def only_span(messages: list[ExportTraceServiceRequest]) -> Any:  # noqa: ANN401 - generated messages have no types
    ((message,),) = [messages]
    return message.resource_spans[0].scope_spans[0].spans[0]


def attributes_of(owner: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in owner.attributes}


@pytest.mark.parametrize(
    "key",
    [
        "SampleRate",
        "sample_rate",
        "samplerate",
        "meta.signal_type",
        "service.name",
        "user.id",
        "enduser.id",
        "aws.trace_id",
        "rollbar.uuid",
        "trace.trace_id",
        "honeycomb.x",
        "name",
        "duration_ms",
        "http.Route",
        "http.a b",
        "http." + "x" * 60,
        "",
    ],
)
def test_an_attribute_that_is_not_a_browsers_is_dropped_and_counted(
    key: str, client: FlaskClient, relayed: list[ExportTraceServiceRequest]
) -> None:
    attributes = [attribute("http.request.method", "GET"), attribute(key, "x")]
    nested = {"events": [{"name": "e", "timeUnixNano": str(time.time_ns()), "attributes": attributes}]}
    assert post(client, document(span(attributes=attributes, **nested))).status_code == 200
    forwarded = only_span(relayed)
    assert attributes_of(forwarded) == {"http.request.method": "GET"}
    assert attributes_of(forwarded.events[0]) == {"http.request.method": "GET"}
    assert relay_counts(client)["dropped"]["attributes"] == 2


def test_values_are_scalars_or_short_arrays_of_them_and_cut(
    client: FlaskClient, relayed: list[ExportTraceServiceRequest]
) -> None:
    values: dict[str, Any] = {
        "text": {"stringValue": "x" * 5000},
        "true": {"boolValue": True},
        "integer": {"intValue": "-9223372036854775808"},
        "double": {"doubleValue": 0.5},
        "array": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": 1}]}},
        "long_array": {"arrayValue": {"values": [{"intValue": 1}] * 17}},
        "nested": {"arrayValue": {"values": [{"arrayValue": {"values": []}}]}},
        "map": {"kvlistValue": {"values": []}},
        "bytes": {"bytesValue": "AAAA"},
        "huge": {"intValue": 2**63},
        "huge_text": {"intValue": "9" * 40},
        "words": {"intValue": "many"},
        "two": {"intValue": 1, "boolValue": True},
        "none": {},
        "null": None,
    }
    attributes = [{"key": f"http.{name}", "value": value} for name, value in values.items()]
    assert post(client, document(span(attributes=attributes, traceState="a=b", unknown=1))).status_code == 200
    forwarded = only_span(relayed)
    accepted = attributes_of(forwarded)
    array = accepted.pop("http.array")
    assert accepted == {"http.text": "x" * 2047 + "…", "http.true": True, "http.integer": -(2**63), "http.double": 0.5}
    assert [each.WhichOneof("value") for each in array.values] == ["string_value", "int_value"]
    assert (forwarded.trace_state, relay_counts(client)["dropped"]["attributes"]) == ("", 10)


def test_an_attribute_with_the_name_of_a_secret_is_masked_as_in_the_services_own_spans(
    client: FlaskClient, relayed: list[ExportTraceServiceRequest]
) -> None:
    secret = "opaque-5ecret"
    names = ("http.request.header.authorization", "http.request.header.cookie", "session.token", "app.widget.password")
    urls = {"url.query": f"code={secret}&page=2", "url.full": f"https://u:{secret}@h/?token={secret}&page=2"}
    attributes = [attribute(name, secret) for name in names]
    attributes += [attribute(name, text) for name, text in urls.items()]
    attributes += [
        {"key": "http.api_key", "value": {"arrayValue": {"values": [{"stringValue": secret}, {"intValue": 1}]}}},
        {"key": "session.pin", "value": {"intValue": 4711}},
        attribute("session.id", "tab-1"),
        attribute("http.request.header.accept", "text/html"),
    ]
    event = {"name": "e", "timeUnixNano": str(time.time_ns()), "attributes": [attribute("event.password", secret)]}
    assert post(client, document(span(attributes=attributes, events=[event]))).status_code == 200
    forwarded = only_span(relayed)
    assert attributes_of(forwarded) == {
        **dict.fromkeys((*names, "http.api_key", "session.pin"), REDACTED),
        "url.query": f"code={REDACTED}&page=2",
        "url.full": f"https://{REDACTED}:{REDACTED}@h/?token={REDACTED}&page=2",
        "session.id": "tab-1",
        "http.request.header.accept": "text/html",
    }
    assert secret.encode() not in relayed[0].SerializeToString()


def test_fields_that_protobuf_does_not_know_are_not_forwarded(
    client: FlaskClient, relayed: list[ExportTraceServiceRequest]
) -> None:
    now = time.time_ns()
    fields = {"trace_id": bytes.fromhex(TRACE_ID), "span_id": bytes.fromhex(SPAN_ID), "name": "n" * 999, "kind": 2}
    times = {"start_time_unix_nano": now, "end_time_unix_nano": now, "flags": 2**32 - 1, "trace_state": "a=b"}
    name = {"key": "service.name", "value": {"string_value": "Cruddur-Frontend"}}
    scope_spans = {"spans": [{**fields, **times}], "schema_url": "https://x"}
    resource_spans = [{"resource": {"attributes": [name]}, "scope_spans": [scope_spans]}]
    body = ExportTraceServiceRequest(resource_spans=resource_spans).SerializeToString()  # type: ignore[arg-type]  # dicts are accepted, the stubs lack them
    assert post(client, body + b"\xfa\x07\x06SECRET", PROTOBUF).status_code == 200
    assert b"SECRET" not in relayed[0].SerializeToString()
    forwarded = only_span(relayed)
    assert (len(forwarded.name), forwarded.kind, forwarded.flags, forwarded.trace_state) == (MAX_NAME, 0, 0, "")


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        (0, 0, 200),
        (-23 * HOUR, 0, 200),
        (-25 * HOUR, 0, 400),
        (0, -1, 400),
        (0, HOUR // 15, 200),
        (0, HOUR // 10, 400),
        (2**63, 2**63, 400),
    ],
)
def test_a_span_is_accepted_within_the_last_24_hours_and_5_minutes_ahead(
    start: int, end: int, status: int, client: FlaskClient, relayed: list[ExportTraceServiceRequest]
) -> None:
    now = time.time_ns()
    times = {"startTimeUnixNano": str(now + start), "endTimeUnixNano": str(now + end)}
    assert post(client, document(span(**times))).status_code == status
    assert len(relayed) == (status == 200)


def test_the_user_is_the_services_own(client: FlaskClient, relayed: list[ExportTraceServiceRequest]) -> None:
    claimed = document(span(attributes=[attribute("user.id", "picard")]))
    post(client, claimed, **{"X-Cruddur-User": "worf"})
    post(client, claimed)
    spans = [each.resource_spans[0].scope_spans[0].spans[0] for each in relayed]
    assert [attributes_of(each) for each in spans] == [{"user.id": "worf"}, {}]


def test_the_header_that_is_not_trusted_sets_no_user(make_app: AppFactory, backends: FakeBackends) -> None:
    client = make_app({**backends.honeycomb, "LOG_CONSOLE": "false"}).test_client()
    assert post(client, document(span()), **{"X-Cruddur-User": "worf"}).status_code == 200
    client.application.extensions[EXTENSION].flush(5.0)
    assert "user.id" not in backends.spans(TRACE_ID)[0]["attributes"]


def test_a_secret_of_the_service_is_redacted_in_every_text(
    client: FlaskClient, relayed: list[ExportTraceServiceRequest]
) -> None:
    secret = "sentinel-honeycomb-key"
    url = attribute("url.full", f"http://localhost/?key={secret}")
    event = {"name": secret, "timeUnixNano": str(time.time_ns()), "attributes": [url]}
    post(client, document(span(name=secret, attributes=[url], events=[event], status={"code": 2, "message": secret})))
    assert secret.encode() not in relayed[0].SerializeToString()
    assert attributes_of(only_span(relayed))["url.full"] == f"http://localhost/?key={REDACTED}"


def test_events_and_links_are_bounded_and_valid(client: FlaskClient, relayed: list[ExportTraceServiceRequest]) -> None:
    event = {"name": "e", "timeUnixNano": str(time.time_ns())}
    link = {"traceId": TRACE_ID, "spanId": SPAN_ID}
    events = [{"name": "old", "timeUnixNano": "1"}, *[event] * 40]
    post(client, document(span(events=events, links=[{"traceId": "0" * 32, "spanId": SPAN_ID}, *[link] * 9])))
    forwarded = only_span(relayed)
    assert (len(forwarded.events), len(forwarded.links)) == (31, 7)
    assert {"events": 10, "links": 3}.items() <= relay_counts(client)["dropped"].items()


def test_thousands_of_keys_in_one_request_are_not_forwarded(
    client: FlaskClient, relayed: list[ExportTraceServiceRequest]
) -> None:
    now = time.time_ns()
    ids = {"trace_id": b"t" * 16, "span_id": b"s" * 8, "name": "n"}
    times = {"start_time_unix_nano": now, "end_time_unix_nano": now}
    name = {"key": "service.name", "value": {"string_value": "Cruddur-Frontend"}}
    keys = [{"key": f"http.k{index}", "value": {"int_value": 1}} for index in range(700)]
    spans = [{**ids, **times, "attributes": keys} for _ in range(8)]
    resource_spans = [{"resource": {"attributes": [name]}, "scope_spans": [{"spans": spans}]}]
    body = ExportTraceServiceRequest(resource_spans=resource_spans).SerializeToString()  # type: ignore[arg-type]  # as above
    assert post(client, body, PROTOBUF).status_code == 200
    counts = [len(each.attributes) for each in relayed[0].resource_spans[0].scope_spans[0].spans]
    assert counts == [64] * 8
