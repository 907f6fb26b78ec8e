"""Whatever a span is given, both encodings of OTLP are valid, and say the same."""

from __future__ import annotations

import json
import random

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource

from flask_onetrace.telemetry.export.safe_json import dumps
from flask_onetrace.telemetry.redaction import NO_SECRETS
from flask_onetrace.telemetry.sampling.trace_state import sampling_trace_state
from flask_onetrace.telemetry.sinks.otlp import json_encoder
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.spans.tracer import AppTracer, AppTracerProvider, Root
from tests.telemetry.fuzz.test_fuzz_targets import ROUNDS, SEED
from tests.telemetry.fuzz.values import INTEGERS, Level, Named, NumpyFloat, NumpyInteger, Priced, key, value
from tests.unit.test_otlp_json_encoder import hex_to_base64

RESOURCE = Resource({"service.name": "fuzz"})
TRACE = 0x5759E988BD862E3FE1BE46A994272793
SPANS = 20
EXAMPLES = min(4 * ROUNDS, 400)


@pytest.fixture
def tracer() -> AppTracer:
    state = sampling_trace_state(rate=1, sampled=True)
    provider = AppTracerProvider(RESOURCE, lambda _: (Root(TRACE, recorded=True, random=True, trace_state=state), None))
    return provider.get_tracer("fuzz")


def finished_span(tracer: AppTracer, attributes: object) -> LightSpan:
    span = tracer.start_span("span", attributes=attributes)  # type: ignore[arg-type]  # any value
    span.end()
    assert isinstance(span, LightSpan)
    return span


def both(spans: list[LightSpan]) -> tuple[object, object]:
    """Return what a receiver reads from either encoding."""
    failures: list[BaseException] = []
    body = json.loads(json_encoder.encode(RESOURCE, spans, failures))
    assert failures == []
    request = ParseDict(hex_to_base64(body), ExportTraceServiceRequest())
    message = ExportTraceServiceRequest.FromString(encode_spans(spans).SerializeToString())
    return MessageToDict(request), MessageToDict(message)


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_any_attributes_are_the_same_in_json_and_protobuf(number: int, tracer: AppTracer) -> None:
    rng = random.Random(f"{SEED} encoders {number}")
    spans = [finished_span(tracer, {key(rng): value(rng) for _ in range(3)}) for _ in range(SPANS)]
    from_json, from_protobuf = both(spans)
    assert json.dumps(from_json) == json.dumps(from_protobuf)  # as text: NaN is not equal to itself


@pytest.mark.parametrize(
    ("given", "encoded"),
    [
        (NumpyFloat(1.5), {"doubleValue": 1.5}),
        (NumpyFloat("nan"), {"doubleValue": "NaN"}),
        (NumpyInteger(5), {"stringValue": "np.int64(5)"}),
        (Priced.CHEAP, {"intValue": "5"}),
        (Level.LOW, {"intValue": "1"}),
        (Named.FIRST, {"stringValue": "first"}),
        (True, {"boolValue": True}),
        (2**63 - 1, {"intValue": str(2**63 - 1)}),
        (-(2**63), {"intValue": str(-(2**63))}),
        ([1, 1.5, True, None, b"\xff"], None),
    ],
)
def test_a_value_is_written_as_the_protobuf_encoder_writes_it(
    given: object, encoded: object, tracer: AppTracer
) -> None:
    from_json, from_protobuf = both([finished_span(tracer, {"key": given})])
    assert from_json == from_protobuf
    [attribute] = from_json["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]  # type: ignore[index]  # a dict
    assert encoded is None or attribute == {"key": "key", "value": encoded}


@pytest.mark.parametrize(
    "given",
    [Level.HUGE, [2**64], {"a": {"b": -(2**70)}}, *(each for each in INTEGERS if each not in range(-(2**63), 2**63))],
    ids=lambda each: type(each).__name__,  # Python refuses to print the longest one
)
def test_what_protobuf_cannot_carry_is_left_out_alone_and_counted(given: object, tracer: AppTracer) -> None:
    span = finished_span(tracer, {"before": 1, "key": given, "after": 2})
    span_of_one = finished_span(tracer, {})
    assert dict(span.raw_attributes) == {"before": 1, "after": 2}
    assert (span.dropped_attributes, span_of_one.dropped_attributes) == (1, 0)
    from_json, from_protobuf = both([span, span_of_one])
    assert from_json == from_protobuf


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_any_document_is_valid_json(number: int) -> None:
    rng = random.Random(f"{SEED} documents {number}")
    for _ in range(SPANS):
        raw = value(rng)
        json.loads(dumps({"raw": raw}))
        json.loads(dumps({"copy": NO_SECRETS.value(raw)}))
