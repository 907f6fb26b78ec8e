"""Send spans to Honeycomb, or to any collector, by OTLP over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import requests
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExportResult

from service.contract import SECRET_PLACEHOLDER
from service.settings import Settings
from service.telemetry.batching import Batcher, PermanentError
from service.telemetry.ids import span_context
from service.telemetry.otlp_json import SAMPLE_RATE, SampledSpan, encode
from service.telemetry.sink import Sink
from service.telemetry.verdict import verdict_of

NAME = "honeycomb"

TEAM_HEADER = "x-honeycomb-team"
_TIMEOUT = 5.0
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})

Send = Callable[[list[SampledSpan]], None]


def connect(settings: Settings, resource: Resource) -> Sink:
    """Return the sink: on with `OTEL_EXPORTER_OTLP_ENDPOINT` and, for Honeycomb itself, a key."""
    headers = dict(settings.otlp_headers.reveal())
    if settings.honeycomb_api_key is not None:
        headers.setdefault(TEAM_HEADER, settings.honeycomb_api_key.reveal())
    reason = _off_because(settings, headers)
    if reason is not None or settings.otlp_endpoint is None:
        return Sink(name=NAME, off_because=reason)
    url = settings.otlp_endpoint.rstrip("/") + "/v1/traces"
    send = _json_sender(url, headers, resource) if settings.otlp_protocol == "http/json" else _protobuf(url, headers)
    queue = Batcher(NAME, send)
    return Sink(name=NAME, span_processor=_Queue(queue), queue=queue)


def _off_because(settings: Settings, headers: Mapping[str, str]) -> str | None:
    if settings.otlp_endpoint is None:
        return "OTEL_EXPORTER_OTLP_ENDPOINT is not set"
    if "otlp" not in settings.trace_exporters:
        return "OTEL_TRACES_EXPORTER leaves out otlp"
    key = headers.get(TEAM_HEADER)
    if key == SECRET_PLACEHOLDER:
        return "HONEYCOMB_API_KEY still holds its placeholder: run `make secrets`"
    host = urlsplit(settings.otlp_endpoint).hostname or ""
    if key is None and (host == "honeycomb.io" or host.endswith(".honeycomb.io")):
        return "HONEYCOMB_API_KEY is not set"
    return None


class _Queue(SpanProcessor):
    """Queue each finished span with the sample rate of its request."""

    def __init__(self, queue: Batcher[SampledSpan]) -> None:
        self._put = queue.put

    def on_end(self, span: ReadableSpan) -> None:
        self._put(SampledSpan(span, verdict_of(span_context(span)).rate))


def _json_sender(url: str, headers: Mapping[str, str], resource: Resource) -> Send:
    session = requests.Session()
    session.headers.update({**headers, "content-type": "application/json"})

    def send(batch: list[SampledSpan]) -> None:
        answer = session.post(url, data=encode(resource, batch), timeout=_TIMEOUT)
        if answer.status_code in _RETRYABLE:
            raise ConnectionError(f"{url} answered {answer.status_code}")
        if not answer.ok:
            raise PermanentError(f"{url} answered {answer.status_code}: check HONEYCOMB_API_KEY and the endpoint")

    return send


def _protobuf(url: str, headers: Mapping[str, str]) -> Send:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - protobuf is costly to import, and rarely asked for

    exporter = OTLPSpanExporter(endpoint=url, headers=dict(headers), timeout=_TIMEOUT)

    def send(batch: list[SampledSpan]) -> None:
        if exporter.export([_stating_rate(item) for item in batch]) is not SpanExportResult.SUCCESS:
            raise PermanentError(f"{url} did not take the spans after the exporter's own retries")

    return send


def _stating_rate(item: SampledSpan) -> ReadableSpan:
    """Return the span with its sample rate as an attribute: the stock exporter takes nothing beside the span."""
    if item.rate <= 1:
        return item.span
    span = item.span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), SAMPLE_RATE: item.rate},
        events=span.events,
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
    )
