"""Print log lines, and spans on request, to standard error: the tutorial's console handler and exporter."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from service.telemetry.context.request_scope import RequestScope
from service.telemetry.log_lines import LineFormat, capture, encode
from service.telemetry.sink import ServiceInfo, Sink

NAME: Final = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Log lines with `log_console`, spans with `console` among the trace exporters."""

    log_console: bool = False
    trace_exporters: frozenset[str] = frozenset()


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink."""
    prints_spans = "console" in config.trace_exporters
    if not config.log_console and not prints_spans:
        return Sink(name=NAME, off_because="LOG_CONSOLE is false")
    processor = SimpleSpanProcessor(_console_exporter(service)) if prints_spans else None
    if not config.log_console:
        return Sink(name=NAME, span_processor=processor)
    handler = _StderrHandler(service)
    return Sink(name=NAME, span_processor=processor, log_handler=handler, log_access=handler.log_access)


def _console_exporter(service: ServiceInfo) -> ConsoleSpanExporter:
    def formatted(span: ReadableSpan) -> str:
        return service.redact.lines([span.to_json()])[0] + "\n"

    return ConsoleSpanExporter(out=sys.stderr, formatter=formatted)


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic only in the type stubs
    """Write each record as the same JSON line that CloudWatch gets."""

    def __init__(self, service: ServiceInfo) -> None:
        super().__init__(sys.stderr)
        self._format = LineFormat(service.version, service.access_logger)
        self._redact = service.redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return self._redact.lines([encode(capture(record), self._format)])[0]

    def log_access(self, scope: RequestScope) -> None:
        """Write the access line of a request."""
        [line] = self._redact.lines([encode(scope, self._format)])
        sys.stderr.write(line + "\n")
