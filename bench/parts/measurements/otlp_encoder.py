"""Encode a batch of 512 server spans: ours as JSON, stock as protobuf."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from bench.parts.clock import Ports, Run, microseconds
from bench.parts.spans import BATCH, RESOURCE, app_provider, server_spans
from flask_onetrace.telemetry.export.gil_pacing import bypass_while
from flask_onetrace.telemetry.sinks.otlp import json_encoder
from flask_onetrace.telemetry.spans.span import LightSpan

Encode = Callable[[], bytes]


def ours(_: Ports) -> Run:
    """Encode by the telemetry's JSON encoder."""
    return _run(_json_encode())


def stock(_: Ports) -> Run:
    """Encode by OpenTelemetry's protobuf encoder."""
    return _run(_protobuf_encode())


def _json_encode() -> Encode:
    """Return what encodes the batch as JSON, without pacing."""
    bypass_while(lambda: True)
    spans = [span for span in server_spans(app_provider()) if isinstance(span, LightSpan)]
    return lambda: json_encoder.encode(RESOURCE, spans)


def _protobuf_encode() -> Encode:
    """Return what encodes the batch as protobuf."""
    provider = TracerProvider(resource=RESOURCE)
    spans: Sequence[ReadableSpan] = [each for each in server_spans(provider) if isinstance(each, ReadableSpan)]
    return lambda: encode_spans(spans).SerializeToString()


def _run(encode: Encode) -> Run:
    def repeat(count: int) -> None:
        for _ in range(count // BATCH):
            encode()

    timed, size = microseconds(repeat), len(encode()) / BATCH
    return lambda count: (*timed(max(count, BATCH)), size)
