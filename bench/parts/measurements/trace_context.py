"""Parse the three headers of a request that continues a trace into an OpenTelemetry context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.parts.clock import Ports, Run, microseconds

HEADERS: Final = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "baggage": "user=alice,tenant=example%20corp;ttl=30",
}


def ours(_: Ports) -> Run:
    """Use the telemetry's reader."""
    from flask_onetrace.telemetry.context.propagation import extract_baggage, resolve  # noqa: PLC0415 - each side imports its own

    environ = {f"HTTP_{name.upper()}": value for name, value in HEADERS.items()}
    return _run(lambda: (resolve(environ), extract_baggage(environ)))


def stock(_: Ports) -> Run:
    """Use OpenTelemetry's propagators."""
    from opentelemetry.baggage.propagation import W3CBaggagePropagator  # noqa: PLC0415 - as above
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - as above

    trace_context, baggage = TraceContextTextMapPropagator(), W3CBaggagePropagator()
    return _run(lambda: baggage.extract(HEADERS, trace_context.extract(HEADERS)))


def _run(read: Callable[[], object]) -> Run:
    def repeat(count: int) -> None:
        for _ in range(count):
            read()

    return microseconds(repeat)
