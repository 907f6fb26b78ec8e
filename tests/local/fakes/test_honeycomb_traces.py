from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from local.fakes import honeycomb
from tests.local.fakes.conftest import Serve

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

KEY = "fake-honeycomb-key-9f3c"
TRACE_ID = "6553f1000123456789abcdef01234567"


def export_of(*names: str, trace_id: str = TRACE_ID) -> dict[str, Any]:
    spans = [{"traceId": trace_id, "spanId": f"{number:016x}", "name": name} for number, name in enumerate(names, 1)]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def post(url: str, export: object, **headers: str) -> requests.Response:
    headers = {"x-honeycomb-team": KEY, "Content-Type": "application/json"} | headers
    body = export if isinstance(export, bytes) else json.dumps(export).encode()
    return requests.post(f"{url}/v1/traces", data=body, headers=headers, timeout=60)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_of_the_stock_exporter_are_returned_by_trace_id(serve: Serve, compression: Compression) -> None:
    url = serve(honeycomb.create_app())
    exporter = OTLPSpanExporter(
        endpoint=f"{url}/v1/traces", headers={"x-honeycomb-team": KEY}, compression=compression, timeout=5
    )
    provider = TracerProvider(resource=Resource({"service.name": "Backend-Flask"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("the-tests")
    with (
        tracer.start_as_current_span("GET /api/activities/home", kind=SpanKind.SERVER) as parent,
        tracer.start_as_current_span("HomeActivities-MockData") as child,
    ):
        child.set_attribute("home-activities-app.result_length", 3)
        child.set_attribute("tags", ["a", "b"])
        child.add_event("looked up", {"rows": 3})
    provider.shutdown()

    trace_id = f"{parent.get_span_context().trace_id:032x}"
    inner, outer = requests.get(f"{url}/traces/{trace_id}", timeout=60).json()
    assert outer["name"] == "GET /api/activities/home"
    assert (outer["kind"], outer["parent_span_id"]) == ("server", None)
    assert inner["parent_span_id"] == outer["span_id"] == f"{parent.get_span_context().span_id:016x}"
    assert inner["attributes"] == {"home-activities-app.result_length": 3, "tags": ["a", "b"]}
    assert inner["resource"] == {"service.name": "Backend-Flask"}
    assert inner["scope"] == "the-tests"
    assert [(event["name"], event["attributes"]) for event in inner["events"]] == [("looked up", {"rows": 3})]
    assert outer["start_ns"] <= inner["start_ns"] <= inner["end_ns"] <= outer["end_ns"]


def test_a_json_export_is_decoded_with_typed_values_status_and_hex_ids(serve: Serve) -> None:
    url = serve(honeycomb.create_app())
    span = {
        "traceId": TRACE_ID.upper(),
        "spanId": "00F067AA0BA902B7",
        "name": "GET /api/fault",
        "kind": 2,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000250000000",
        "attributes": [
            {"key": "http.response.status_code", "value": {"intValue": "500"}},
            {"key": "sampled", "value": {"boolValue": True}},
            {"key": "nested", "value": {"kvlistValue": {"values": [{"key": "x", "value": {"doubleValue": 0.5}}]}}},
        ],
        "status": {"code": 2, "message": "boom"},
    }
    export = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}

    response = post(url, gzip.compress(json.dumps(export).encode()), **{"Content-Encoding": "gzip"})

    assert (response.status_code, response.json()) == (200, {})
    [stored] = requests.get(f"{url}/traces/{TRACE_ID}", timeout=60).json()
    assert stored["span_id"] == "00f067aa0ba902b7"
    assert stored["attributes"] == {"http.response.status_code": 500, "sampled": True, "nested": {"x": 0.5}}
    assert stored["status"] == {"code": "error", "message": "boom"}
    assert stored["end_ns"] - stored["start_ns"] == 250_000_000


def test_an_export_without_a_key_is_rejected_with_401(serve: Serve) -> None:
    url = serve(honeycomb.create_app())

    response = requests.post(f"{url}/v1/traces", json=export_of("a"), timeout=60)

    assert response.status_code == 401
    assert requests.get(f"{url}/traces/{TRACE_ID}", timeout=60).json() == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"not json", {}, 400),
        (b"[1]", {}, 400),
        (export_of("a", trace_id="abcd"), {}, 400),
        (b"\xff\xff\xff", {"Content-Type": "application/x-protobuf"}, 400),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b" " * 20_000_000), {"Content-Encoding": "gzip"}, 400),
        (export_of("a"), {"Content-Type": "text/plain"}, 415),
    ],
)
def test_a_malformed_export_is_rejected_and_nothing_is_stored(
    serve: Serve, body: object, headers: dict[str, str], status: int
) -> None:
    url = serve(honeycomb.create_app())

    assert post(url, body, **headers).status_code == status
    assert requests.get(f"{url}/traces", timeout=60).json() == []


def test_the_oldest_spans_are_evicted(serve: Serve) -> None:
    url = serve(honeycomb.create_app(capacity=3))

    post(url, export_of("one", "two", "three", "four", "five"))

    names = [span["name"] for span in requests.get(f"{url}/traces/{TRACE_ID}", timeout=60).json()]
    assert names == ["three", "four", "five"]


def test_traces_are_listed_newest_first_up_to_the_limit(serve: Serve) -> None:
    url = serve(honeycomb.create_app())
    ids = [f"{number:032x}" for number in (1, 2, 3)]
    for trace_id in ids:
        post(url, export_of("a", "b", trace_id=trace_id))

    traces = requests.get(f"{url}/traces?limit=2", timeout=60).json()

    assert traces == [{"trace_id": ids[2], "spans": 2}, {"trace_id": ids[1], "spans": 2}]
