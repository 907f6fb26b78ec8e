"""Serve every case with the stock instrumentations, and print what they record as JSON.

Run in its own process: they patch Flask and the X-Ray SDK's global recorder permanently.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.telemetry.parity.cases import CASES, GUARDED
from tests.telemetry.parity.compare import plain_segment, plain_span
from tests.telemetry.parity.routes import make_app, send


class _Emitter:
    """Record what the SDK would send to the daemon."""

    def __init__(self) -> None:
        self.segments: list[Any] = []

    def send_entity(self, entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        self.segments.append(json.loads(entity.serialize()))


def _otel_app(exporter: InMemorySpanExporter) -> Flask:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = make_app("stock-opentelemetry")
    FlaskInstrumentor.instrument_app(app, tracer_provider=provider)  # type: ignore[no-untyped-call]  # it has no types
    return app


def _xray_app(emitter: _Emitter) -> Flask:
    xray_recorder.configure(service="Backend-Flask", emitter=emitter, sampling=False, streaming_threshold=10**9)
    app = make_app("stock-xray")
    XRayMiddleware(app, xray_recorder)
    return app


def main() -> None:
    """Print `{case: {"spans": ..., "segments": ..., "xray_status": ...}}`."""
    exporter, emitter = InMemorySpanExporter(), _Emitter()
    otel, xray = _otel_app(exporter), _xray_app(emitter)
    records = {}
    for name, case in {**CASES, "guarded": GUARDED}.items():
        exporter.clear()
        emitter.segments.clear()
        send(otel, case.request)
        status = send(xray, case.request).status_code
        records[name] = {
            "spans": [plain_span(span) for span in exporter.get_finished_spans()],
            "segments": [plain_segment(segment) for segment in emitter.segments],
            "xray_status": status,
        }
    json.dump(records, sys.stdout)


if __name__ == "__main__":
    main()
