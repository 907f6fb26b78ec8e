"""Measure the CPU time that instrumentation adds to a request, on the request's own thread."""

from __future__ import annotations

import time

from flask import Flask

from bench import shop
from bench.overhead.direct import serve
from bench.parts.clock import Ports, Run
from bench.parts.telemetry import instrument
from bench.paths import HOME


def ours(ports: Ports) -> Run:
    """Instrument it with the telemetry's middleware, spans for Honeycomb alone."""
    app = _app()
    instrument("honeycomb", ports, app)
    return _run(app)


def stock(ports: Ports) -> Run:
    """Instrument it with `FlaskInstrumentor`, with the SDK's tracer and OTLP exporter."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - each side imports its own
    from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415 - the same
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - the same
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{ports.url}/v1/traces")))
    app = _app()
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)  # type: ignore[no-untyped-call]  # it publishes no types
    return _run(app)


def _app() -> Flask:
    return shop.create_app(lambda: shop.home_feed(shop.now()), list)


def _run(app: Flask) -> Run:
    bare = _app()

    def run(count: int) -> tuple[float]:
        return ((_seconds(app, count) - _seconds(bare, count)) / count * 1e6,)

    return run


def _seconds(app: Flask, count: int) -> float:
    start = time.thread_time()
    serve(app, count, (HOME,))
    return time.thread_time() - start
