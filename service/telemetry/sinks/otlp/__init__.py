"""Send spans to Honeycomb, or to any collector, by OTLP over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExportResult

from service.contract import SECRET_PLACEHOLDER
from service.settings import Settings
from service.telemetry.export.errors import BusyError, PermanentError, UnauthorizedError, writing
from service.telemetry.export.http import Poster
from service.telemetry.export.queue import Batcher
from service.telemetry.sink import Sink
from service.telemetry.sinks.otlp.json_encoder import SAMPLE_RATE, encode
from service.telemetry.spans.span import LightSpan

NAME = "honeycomb"

TEAM_HEADER = "x-honeycomb-team"
_TIMEOUT = 5.0
_BATCH = 512
_FINE = range(200, 300)
_UNAUTHORIZED = frozenset({401, 403})
_REMEDY = "check HONEYCOMB_API_KEY; `make secrets` fills it in, a new deployment reads it"

Send = Callable[[list[LightSpan]], None]


def connect(settings: Settings, resource: Resource) -> Sink:
    """Return the sink: on with `OTEL_EXPORTER_OTLP_ENDPOINT` and, for Honeycomb itself, a key."""
    url, headers, reason = destination(settings)
    if reason is not None:
        return Sink(name=NAME, off_because=reason)
    send = _json_sender(url, headers, resource) if settings.otlp_protocol == "http/json" else _protobuf(url, headers)
    queue = Batcher(NAME, send, batch_size=_BATCH)
    return Sink(name=NAME, span_processor=_Queue(queue), queue=queue)


def destination(settings: Settings) -> tuple[str, Mapping[str, str], str | None]:
    """Return where spans go, with which headers, and why they do not, if so."""
    headers = dict(settings.otlp_headers.reveal())
    if settings.honeycomb_api_key is not None:
        headers.setdefault(TEAM_HEADER, settings.honeycomb_api_key.reveal())
    return f"{(settings.otlp_endpoint or '').rstrip('/')}/v1/traces", headers, _off_because(settings, headers)


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
    """Queue each finished span."""

    def __init__(self, queue: Batcher[LightSpan]) -> None:
        self._put = queue.put

    def on_end(self, span: ReadableSpan) -> None:
        if isinstance(span, LightSpan):
            self._put(span)


def _json_sender(url: str, headers: Mapping[str, str], resource: Resource) -> Send:
    post = sender(url, headers, "application/json")

    def send(batch: list[LightSpan]) -> None:
        with writing():
            body = encode(resource, batch)
        post(body)

    return send


def sender(url: str, headers: Mapping[str, str], content_type: str) -> Callable[[bytes], None]:
    """Return what posts one body to `url`, and raises as a `Batcher` wants it."""
    poster = Poster(url, {**headers, "content-type": content_type})

    def send(body: bytes) -> None:
        answer = poster.post(body)
        if answer.is_busy:
            raise BusyError(f"{url} answered {answer.status}", answer.retry_after)
        if answer.status in _UNAUTHORIZED:
            raise UnauthorizedError(f"{url} answered {answer.status}: {_REMEDY}")
        if answer.status not in _FINE:
            raise PermanentError(f"{url} answered {answer.status}: check OTEL_EXPORTER_OTLP_ENDPOINT")

    return send


def _protobuf(url: str, headers: Mapping[str, str]) -> Send:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415 - protobuf is costly to import, and rarely asked for
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the same

    exporter = OTLPSpanExporter(endpoint=url, headers=dict(headers), timeout=_TIMEOUT)

    def send(batch: list[LightSpan]) -> None:
        spans = [_stating_rate(item) for item in batch]
        if exporter.export(spans) is not SpanExportResult.SUCCESS:
            with writing():  # the exporter does not tell a span that cannot be written from an answer
                encode_spans(spans)
            raise PermanentError(f"{url} did not take the spans after the exporter's own retries")

    return send


def _stating_rate(span: LightSpan) -> ReadableSpan:
    """Return the span with its sample rate as an attribute: the stock exporter takes nothing beside the span."""
    rate = span.verdict.rate
    if rate <= 1:
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**span.held, SAMPLE_RATE: rate},
        events=span.events,
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
    )
