"""Start and end a span and one within it, with two attributes each, for a processor that keeps nothing."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from bench.parts.clock import Ports, Run, microseconds
from bench.parts.spans import app_provider


def ours(_: Ports) -> Run:
    """Use the telemetry's tracer."""
    provider = app_provider()
    provider.add_span_processor(_Discard())
    return _run(provider)


def stock(_: Ports) -> Run:
    """Use the SDK's tracer."""
    provider = TracerProvider(resource=Resource({}))
    provider.add_span_processor(_Discard())
    return _run(provider)


def _run(provider: trace.TracerProvider) -> Run:
    tracer = provider.get_tracer("bench")

    def repeat(count: int) -> None:
        for number in range(count):
            with tracer.start_as_current_span("outer", attributes={"a": "text"}) as outer:
                outer.set_attribute("b", number)
                with tracer.start_as_current_span("inner", attributes={"a": "text"}) as inner:
                    inner.set_attribute("b", number)

    return microseconds(repeat)


class _Discard(SpanProcessor):
    """Keep nothing."""
