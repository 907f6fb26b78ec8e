"""Print log lines, and spans on request, to standard error: the tutorial's console handler and exporter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import orjson
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.trace import Link

from flask_onetrace.telemetry.export import stderr
from flask_onetrace.telemetry.export.errors import (
    PartialSuccessError,
    RejectedError,
    encode_each,
    encoding,
    encoding_reason,
)
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.export.safe_json import dumps
from flask_onetrace.telemetry.log_lines import Line, LineFormat, encode
from flask_onetrace.telemetry.record_queue import RecordQueueing
from flask_onetrace.telemetry.sink import ServiceInfo, Sink
from flask_onetrace.telemetry.spans.span import LightSpan

NAME: Final = "console"

_MAX_BYTES = 2 * 1024 * 1024
_BATCH_SIZE = 64
_INTERVAL = 0.05
"""Seconds: a line appears at once to a person."""
_WRITE_SECONDS = 1.0
"""For which a write waits for the reader."""
_EXIT_SECONDS = 1.0
"""For which the exit of a process without `Telemetry.shutdown` waits."""

Item = Line | LightSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Log lines with `log_console`, spans with `console` among the trace exporters."""

    otel_sdk_disabled: bool = False
    log_console: bool = False
    trace_exporters: frozenset[str] = frozenset()


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink."""
    prints_spans = "console" in config.trace_exporters and not config.otel_sdk_disabled
    if not config.log_console and not prints_spans:
        return Sink(name=NAME, off_because="LOG_CONSOLE is false")
    queue: ExportQueue[Item] = ExportQueue(
        NAME,
        _Writer(service).send,
        max_bytes=_MAX_BYTES,
        weigh=attrgetter("size"),
        batch_size=_BATCH_SIZE,
        interval=_INTERVAL,
        drop_metric=service.drop_metric,
    )
    handler = _QueueingHandler(queue)
    return Sink(
        name=NAME,
        span_processor=_QueueingProcessor(queue) if prints_spans else None,
        log_handler=handler if config.log_console else None,
        log_access=queue.put if config.log_console else None,
        queue=queue,
        close=handler.close,
    )


class _QueueingProcessor(SpanProcessor):
    """Queue each finished span that is sampled."""

    def __init__(self, queue: ExportQueue[Item]) -> None:
        self._put = queue.put

    def on_end(self, span: ReadableSpan) -> None:
        if isinstance(span, LightSpan) and span.sampling.sampled:
            self._put(span)


class _QueueingHandler(RecordQueueing):
    """Queue each record. `logging` flushes its handlers when the process ends."""

    def __init__(self, queue: ExportQueue[Item]) -> None:
        super().__init__()
        self.queue = queue

    def flush(self) -> None:
        """Write what is queued."""
        self.queue.flush(_EXIT_SECONDS)


class _Writer:
    """Write each record as the same JSON line that CloudWatch gets, and spans as OpenTelemetry prints them."""

    def __init__(self, service: ServiceInfo) -> None:
        self._format = LineFormat(service.version, service.access_logger)
        self._redact = service.redact
        self._batch: list[Item] = []
        self._unwritten = b""
        """What remains of `_batch`."""
        self._failures: list[BaseException] = []

    def send(self, batch: list[Item]) -> None:
        """Write `batch`. Raises `TimeoutError` while the reader does not read."""
        if batch is not self._batch:  # else a retry: what was written is not written again
            self._failures = []
            with encoding():
                _, lines = encode_each(lambda: [batch], self._text, self._failures)
                self._unwritten = "".join(f"{line}\n" for line in self._redact.lines(lines)).encode()
            self._batch = batch
        try:
            written = stderr.write(self._unwritten, _WRITE_SECONDS)
        except OSError as error:
            raise RejectedError(f"standard error is closed: {error}") from error
        self._unwritten = self._unwritten[written:]
        if self._unwritten:
            raise TimeoutError("standard error is full: its reader does not read")
        self._batch = []
        if failures := self._failures:
            raise PartialSuccessError(len(failures), encoding_reason(failures[0]))

    def _text(self, item: Item) -> str:
        return _span_text(item) if isinstance(item, LightSpan) else encode(item, self._format)


def _span_text(span: LightSpan) -> str:
    """Return the span as OpenTelemetry prints it; attributes that it cannot print, as bytes, become text."""
    try:
        return str(span.to_json())
    except TypeError:
        printable = ReadableSpan(
            name=span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=_printable(span.attributes),
            events=[Event(each.name, _printable(each.attributes), each.timestamp) for each in span.events],
            links=[Link(each.context, _printable(each.attributes)) for each in span.links],
            kind=span.kind,
            status=span.status,
            start_time=span.start_time,
            end_time=span.end_time,
        )
        return str(printable.to_json())


def _printable(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    printable: dict[str, Any] = orjson.loads(dumps(dict(attributes or {})))
    return printable
