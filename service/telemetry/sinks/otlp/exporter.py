"""Queue finished spans, encode them in batches, and post them."""

from __future__ import annotations

from operator import attrgetter

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from service.telemetry.export.errors import TooLargeError, encoding
from service.telemetry.export.http_exporter import HttpExporter
from service.telemetry.export.queue import ExportQueue
from service.telemetry.redaction import Redactor
from service.telemetry.sink import ServiceInfo, Sink
from service.telemetry.sinks.otlp import Config, json_encoder
from service.telemetry.spans.span import LightSpan

_MAX_BYTES = 7 * 1024 * 1024
_BATCH_SIZE = 512
_MAX_BODY = 4 * 1024 * 1024
"""Bytes of a request, below what Honeycomb accepts (15 MB) and AWS (5 MB). Most have a fifth of that."""


def connect_exporter(name: str, config: Config, service: ServiceInfo) -> Sink:
    """Return the sink for a config that turns it on."""
    new_sender = _ProtobufSender if config.otlp_protocol == "http/protobuf" else _JsonSender
    sender = new_sender(config, service.resource, service.redact)
    queue: ExportQueue[LightSpan] = ExportQueue(
        name,
        sender.send,
        max_bytes=_MAX_BYTES,
        weigh=attrgetter("size"),
        batch_size=_BATCH_SIZE,
        drop_metric=service.drop_metric,
    )
    return Sink(name=name, span_processor=_QueueingProcessor(queue), queue=queue)


def http_exporter(config: Config, content_type: str) -> HttpExporter:
    """Return what posts to the config's endpoint."""
    return HttpExporter(
        config.url,
        {**config.headers, "content-type": content_type},
        credentials_remedy="check HONEYCOMB_API_KEY; `make secrets` fills it in, a new deployment reads it",
        endpoint_remedy="check OTEL_EXPORTER_OTLP_ENDPOINT",
    )


class _QueueingProcessor(SpanProcessor):
    """Queue each finished span."""

    def __init__(self, queue: ExportQueue[LightSpan]) -> None:
        self._put = queue.put

    def on_end(self, span: ReadableSpan) -> None:
        if isinstance(span, LightSpan):
            self._put(span)


class _JsonSender:
    """Send OTLP/HTTP JSON, by our own encoder."""

    def __init__(self, config: Config, resource: Resource, redact: Redactor) -> None:
        self._exporter = http_exporter(config, "application/json")
        self._resource = resource
        self._redact = redact

    def send(self, batch: list[LightSpan]) -> None:
        with encoding():
            body = self._redact.json(json_encoder.encode(self._resource, batch))
        self._exporter.send(_checked(body))


class _ProtobufSender:
    """Send OTLP/HTTP protobuf, by OpenTelemetry's encoder: for collectors without JSON support."""

    def __init__(self, config: Config, resource: Resource, redact: Redactor) -> None:  # noqa: ARG002 - the spans name their resource
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415 - protobuf is slow to import, and rarely wanted

        self._encode = encode_spans
        self._exporter = http_exporter(config, "application/x-protobuf")
        self._redact = redact

    def send(self, batch: list[LightSpan]) -> None:
        with encoding():
            message = self._encode([_with_sample_rate(span) for span in batch])
            # The message has lengths in it.
            body = self._redact.same_length(message.SerializeToString())
        self._exporter.send(_checked(body))


def _checked(body: bytes) -> bytes:
    if len(body) > _MAX_BODY:
        raise TooLargeError(f"{len(body):,} bytes of spans are more than a request may have ({_MAX_BODY:,})")
    return body


def _with_sample_rate(span: LightSpan) -> ReadableSpan:
    """Return the span with its sample rate as an attribute: OpenTelemetry's encoder reads only the span."""
    rate = span.sampling.rate
    if rate <= 1:
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**span.raw_attributes, json_encoder.SAMPLE_RATE: rate},
        events=span.events,
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
    )
