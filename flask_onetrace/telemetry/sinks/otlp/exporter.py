"""Queue finished spans, encode them in batches, and post them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from operator import attrgetter

import orjson
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flask_onetrace.telemetry.export.errors import PartialSuccessError, TooLargeError, encoding, encoding_reason
from flask_onetrace.telemetry.export.http_exporter import HttpExporter
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.redaction.limits import MAX_NAME
from flask_onetrace.telemetry.sink import ServiceInfo, Sink
from flask_onetrace.telemetry.sinks.otlp import Config, json_encoder
from flask_onetrace.telemetry.spans.span import LightSpan

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
        retries_failures=False,
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
        failures: list[BaseException] = []
        with encoding():
            body = self._redact.json(json_encoder.encode(self._resource, batch, failures))
        _post(self._exporter, body, _rejected_spans, failures, len(batch))


class _ProtobufSender:
    """Send OTLP/HTTP protobuf, by OpenTelemetry's encoder: for collectors without JSON support."""

    def __init__(self, config: Config, resource: Resource, redact: Redactor) -> None:  # noqa: ARG002 - the spans name their resource
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415 - protobuf is slow to import, and rarely wanted
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 - as above
            ExportTraceServiceResponse,
        )

        self._encode = encode_spans
        self._response = ExportTraceServiceResponse
        self._exporter = http_exporter(config, "application/x-protobuf")
        self._redact = redact

    def send(self, batch: list[LightSpan]) -> None:
        failures: list[BaseException] = []
        with encoding():
            spans = [_readable(span) for span in batch]
            try:
                message = self._encode(spans)
            except Exception:  # noqa: BLE001 - one span spoils the message: the others are found one by one
                message = self._encode([span for span in spans if self._is_encodable(span, failures)])
            # The message has lengths in it.
            body = self._redact.same_length(message.SerializeToString())
        _post(self._exporter, body, self._rejected_spans, failures, len(batch))

    def _is_encodable(self, span: ReadableSpan, failures: list[BaseException]) -> bool:
        try:
            self._encode([span])
        except Exception as error:  # noqa: BLE001 - as above
            failures.append(error)
            return False
        return True

    def _rejected_spans(self, body: bytes) -> tuple[int, str]:
        partial = self._response.FromString(body).partial_success
        return partial.rejected_spans, partial.error_message


def _post(
    exporter: HttpExporter,
    body: bytes,
    rejected_spans: Callable[[bytes], tuple[int, str]],
    failures: list[BaseException],
    count: int,
) -> None:
    """Post the body of a batch of `count` spans. Raises `PartialSuccessError` where some are left out or rejected.

    The endpoint says so itself, in a successful response ("Partial Success", OTLP specification).
    """
    if len(body) > _MAX_BODY:
        raise TooLargeError(f"{len(body):,} bytes of spans are more than a request may have ({_MAX_BODY:,})")
    lost, reason = len(failures), encoding_reason(failures[0]) if failures else ""
    if lost < count:
        response = exporter.send(body)
        rejected = 0
        if response.body:
            with suppress(Exception):  # the spans were accepted, whatever the body says
                rejected, message = rejected_spans(response.body)
        if rejected > 0:
            reason = reason or f"{exporter.url} rejected spans: {message}"
            lost = min(count, lost + rejected)
    if lost:
        raise PartialSuccessError(lost, reason)


def _rejected_spans(body: bytes) -> tuple[int, str]:
    if b"rejectedSpans" not in body:
        return 0, ""
    partial = orjson.loads(body)["partialSuccess"]
    return int(partial["rejectedSpans"]), text(partial.get("errorMessage", ""))[:MAX_NAME]


def _readable(span: LightSpan) -> ReadableSpan:
    """Return what OpenTelemetry's encoder reads: the rate as an attribute, and the names of the scope as text."""
    rate, scope = span.sampling.rate, span.instrumentation_scope
    has_odd_names = scope is not None and not type(scope.name) is type(scope.version) is str
    if rate <= 1 and not has_odd_names:
        return span
    if scope is not None and has_odd_names:
        scope = InstrumentationScope(text(scope.name), text(scope.version or ""), None, scope.attributes)
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_with_rate(span, rate) if rate > 1 else span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        instrumentation_scope=scope,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _with_rate(span: LightSpan, rate: int) -> BoundedAttributes:
    attributes = BoundedAttributes(attributes={**span.raw_attributes, json_encoder.SAMPLE_RATE: rate})
    attributes.dropped = span.dropped_attributes
    return attributes
