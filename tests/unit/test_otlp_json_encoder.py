"""The OTLP JSON encoding equals the protobuf encoding of OpenTelemetry's exporter."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from flask_onetrace.telemetry.sampling.trace_state import sampling_trace_state
from flask_onetrace.telemetry.sinks.otlp import json_encoder
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.spans.tracer import AppTracerProvider, Root

RESOURCE = Resource({"service.name": "Backend-Flask", "numbers": [1, 2]})
TRACE = 0x5759E988BD862E3FE1BE46A994272793
CALLER = SpanContext(TRACE, 0x53995C3F42CD8AD8, True, TraceFlags(1), TraceState([("vendor", "a b")]))  # noqa: FBT003 - the API's own order
ATTRIBUTES: dict[str, Any] = {
    "text": 'quotes " and \\ and ünïcode \u2028',
    "long": "x" * 5_000,
    "yes": True,
    "one": 1,
    "float one": 1.0,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "big": 2**63 - 1,
    "negative": -(2**63),
    "infinite": float("inf"),
    "bytes": b"\x00\xff",
    "nothing": None,
    "texts": ["a", "b"],
    "mapping": {"inner": [1, {"deep": "er"}]},
}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> list[LightSpan]:
    """Finished spans with every kind of field."""
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "2")
    provider = AppTracerProvider(RESOURCE, lambda _: (root, None))
    root = Root(TRACE, recorded=True, random=True, trace_state=sampling_trace_state(rate=1, sampled=True))
    finished: list[LightSpan] = []
    provider._end_listeners = (finished.append,)
    tracer = provider.get_tracer("first", "1.0", "https://example.com/schema", {"scope": "attribute"})
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes=ATTRIBUTES) as outer:
        for kind in SpanKind:
            tracer.start_span(f"a {kind.name}", kind=kind).end()
        with provider.get_tracer("second").start_as_current_span("inner", links=[Link(CALLER, {"why": "so"})]) as inner:
            for number in range(3):
                inner.add_event(f"event {number}", {"number": number})
            inner.set_status(StatusCode.ERROR, "went wrong")
        outer.set_status(StatusCode.OK)
    remote_root = root._replace(trace_state=CALLER.trace_state, caller=CALLER)
    provider.start(finished[0].instrumentation_scope, "joined", root=remote_root).end()
    return finished


def hex_to_base64(document: Any) -> Any:  # noqa: ANN401 - any JSON
    """Convert ids from OTLP's hex to the base64 of protobuf's standard JSON."""
    if isinstance(document, list):
        return [hex_to_base64(each) for each in document]
    if not isinstance(document, dict):
        return document
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in {"traceId", "spanId", "parentSpanId"}
        else hex_to_base64(value)
        for key, value in document.items()
    }


def test_the_json_equals_the_sdk_exporters_protobuf(spans: list[LightSpan]) -> None:
    body = json_encoder.encode(RESOURCE, spans)
    request = ParseDict(hex_to_base64(json.loads(body)), ExportTraceServiceRequest())
    assert MessageToDict(request) == MessageToDict(encode_spans(spans))


def test_lone_surrogates_are_replaced() -> None:
    provider = AppTracerProvider(
        RESOURCE,
        lambda _: (
            Root(TRACE, recorded=True, random=True, trace_state=sampling_trace_state(rate=4, sampled=True)),
            None,
        ),
    )
    finished: list[LightSpan] = []
    provider._end_listeners = (finished.append,)
    with provider.get_tracer("tests").start_as_current_span("lone \ud800", attributes={"key \udfff": "value \ud83d"}):
        pass
    [span] = json.loads(json_encoder.encode(RESOURCE, finished))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert span["name"] == "lone ?"
    assert span["attributes"] == [
        {"key": "key ?", "value": {"stringValue": "value ?"}},
        {"key": "SampleRate", "value": {"intValue": "4"}},
    ]


def test_values_that_do_not_repeat_are_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    cache: dict[tuple[str, str | int], str] = {}
    monkeypatch.setattr(json_encoder, "_cache", cache)
    monkeypatch.setattr(json_encoder, "_value_counts", {})
    provider = AppTracerProvider(
        RESOURCE,
        lambda _: (
            Root(TRACE, recorded=True, random=True, trace_state=sampling_trace_state(rate=1, sampled=True)),
            None,
        ),
    )
    finished: list[LightSpan] = []
    provider._end_listeners = (finished.append,)
    tracer = provider.get_tracer("tests")
    for number in range(1_000):
        tracer.start_span("one", attributes={"number": number, "route": "/home"}).end()
    spans = json.loads(json_encoder.encode(RESOURCE, finished))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [span["attributes"][0]["value"] for span in spans] == [{"intValue": str(number)} for number in range(1_000)]
    assert ("route", "/home") in cache
    assert len([key for key, _ in cache if key == "number"]) == json_encoder._MAX_VALUES_PER_KEY


def test_the_cache_is_bounded_when_keys_do_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    cache: dict[tuple[str, str | int], str] = {}
    monkeypatch.setattr(json_encoder, "_cache", cache)
    counts: dict[str, int] = {}
    monkeypatch.setattr(json_encoder, "_value_counts", counts)
    for number in range(2 * json_encoder._CACHE_SIZE + 5):
        assert (
            json_encoder._attributes({f"key {number}": 1}) == f'[{{"key":"key {number}","value":{{"intValue":"1"}}}}]'
        )
    assert len(cache) == len(counts) == 5
