"""Print log lines, and spans where asked for, on standard error: the tutorial's console handler and exporter."""

from __future__ import annotations

import logging
import sys
from functools import partial

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from service.settings import Settings
from service.telemetry.context.request_scope import RequestScope
from service.telemetry.log_lines import JsonFormatter, encode
from service.telemetry.sink import Sink

NAME = "console"


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: log lines with `LOG_CONSOLE`, spans with `console` in `OTEL_TRACES_EXPORTER`."""
    spans = "console" in settings.trace_exporters
    if not settings.log_console and not spans:
        return Sink(name=NAME, off_because="LOG_CONSOLE is false")
    return Sink(
        name=NAME,
        span_processor=SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr)) if spans else None,
        log_handler=_handler(settings.version) if settings.log_console else None,
        log_access=partial(_print, settings.version) if settings.log_console else None,
    )


def _handler(version: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(version))
    return handler


def _print(version: str, scope: RequestScope) -> None:
    sys.stderr.write(encode(scope, version) + "\n")
