"""Create the spans to encode, with either tracer."""

from __future__ import annotations

from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind

from flask_onetrace.telemetry.ids import new_trace_id
from flask_onetrace.telemetry.sampling.rule import RESERVOIR_HIT
from flask_onetrace.telemetry.sampling.trace_state import for_sampled_traces
from flask_onetrace.telemetry.spans.tracer import AppTracerProvider, Root

BATCH: Final = 512
"""Spans, as both exporters send at once."""
RESOURCE: Final = Resource({"service.name": "bench", "service.version": "1"})
_ROUTES: Final = ("/api/activities/home", "/api/activities/notifications", "/api/activities/@andrewbrown")


def app_provider() -> AppTracerProvider:
    """Return the telemetry's provider, which samples every trace."""
    return AppTracerProvider(
        RESOURCE,
        lambda _: (
            Root(new_trace_id(), recorded=True, random=True, trace_state=for_sampled_traces(RESERVOIR_HIT)),
            None,
        ),
    )


def server_spans(provider: trace.TracerProvider) -> list[trace.Span]:
    """Return a batch of ended server spans, as requests for three routes make them."""
    tracer = provider.get_tracer("bench", "1")
    return [_server_span(tracer, number) for number in range(BATCH)]


def _server_span(tracer: trace.Tracer, number: int) -> trace.Span:
    route = _ROUTES[number % len(_ROUTES)]
    attributes: dict[str, str | int] = {
        "http.request.method": "GET",
        "server.address": "cruddur.example.com",
        "server.port": 443,
        "client.address": f"203.0.113.{number % 50}",
        "url.scheme": "https",
        "url.path": route,
        "network.protocol.version": "1.1",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "http.response.status_code": 200,
        "http.response.body.size": 1000 + number,
        "http.route": route,
        "app.now": f"2026-11-28T06:51:24.{number:06}+00:00",
    }
    span = tracer.start_span(f"GET {route}", kind=SpanKind.SERVER, attributes=attributes)
    span.end()
    return span
