"""Resolve the trace context of an incoming request, and pass ours on with outgoing ones.

The order is: a valid W3C `traceparent`; else `X-Amzn-Trace-Id`, of which a `Root` alone, as a load
balancer sends it, is enough; else a new id. A malformed header counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.telemetry.ids import parse_xray_trace_id, span_hex, xray_trace_id

XRAY_HEADER = "X-Amzn-Trace-Id"
_MAX_HEADER = 2048
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_W3C = TraceContextTextMapPropagator()
_BAGGAGE = W3CBaggagePropagator()


class Incoming(NamedTuple):
    """What the caller said: `trace_id` is None for a new trace, `parent` is valid only with a parent span.

    `amzn_root` is the load balancer's own id where another one won, so that its access log can be joined.
    """

    trace_id: int | None
    parent: trace.SpanContext | None
    context: otel_context.Context
    amzn_root: str | None


def resolve(environ: Mapping[str, Any]) -> Incoming:
    """Return the trace context that the WSGI `environ` of a request carries. Never raises."""
    context = _baggage(environ)
    amzn = _parse_amzn(str(environ.get("HTTP_X_AMZN_TRACE_ID", "")))
    w3c = _parse_w3c(environ)
    if w3c is not None:
        root = xray_trace_id(amzn[0]) if amzn and amzn[0] != w3c.trace_id else None
        return Incoming(w3c.trace_id, w3c, context, root)
    if amzn is None:
        return Incoming(None, None, context, None)
    trace_id, parent_id, sampled = amzn
    if parent_id is None:
        return Incoming(trace_id, None, context, None)
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if sampled else trace.TraceFlags.DEFAULT)
    return Incoming(trace_id, trace.SpanContext(trace_id, parent_id, is_remote=True, trace_flags=flags), context, None)


def _parse_w3c(environ: Mapping[str, Any]) -> trace.SpanContext | None:
    header = environ.get("HTTP_TRACEPARENT")
    if not header or len(header) > _MAX_HEADER:
        return None
    carrier = {"traceparent": header}
    state = environ.get("HTTP_TRACESTATE")
    if state:
        carrier["tracestate"] = state
    # Only the extracted span matters here, so that nothing of the surrounding context is looked at.
    found = trace.get_current_span(_W3C.extract(carrier, otel_context.Context())).get_span_context()
    return found if found.is_valid else None


def _parse_amzn(header: str) -> tuple[int, int | None, bool] | None:
    """Read `Root=1-…;Parent=…;Sampled=1` in any order ("Tracing header", X-Ray concepts)."""
    if not header or len(header) > _MAX_HEADER:
        return None
    fields = dict(part.strip().partition("=")[::2] for part in header.split(";"))
    trace_id = parse_xray_trace_id(fields.get("Root", ""))
    if trace_id is None:
        return None
    parent = fields.get("Parent", "")
    parent_id = int(parent, 16) if _SPAN_ID.fullmatch(parent) else 0
    return trace_id, parent_id or None, fields.get("Sampled") == "1"


def _baggage(environ: Mapping[str, Any]) -> otel_context.Context:
    header = environ.get("HTTP_BAGGAGE")
    empty = otel_context.Context()
    return _BAGGAGE.extract({"baggage": header}, empty) if header else empty


class XRayHeaderPropagator(TextMapPropagator):
    """Write `X-Amzn-Trace-Id` on outgoing requests; incoming ones are read by `resolve`."""

    def inject(
        self,
        carrier: CarrierT,
        context: otel_context.Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Set the header from the current span of `context`."""
        span = trace.get_current_span(context).get_span_context()
        if span.is_valid:
            root, sampled = xray_trace_id(span.trace_id), int(span.trace_flags.sampled)
            setter.set(carrier, XRAY_HEADER, f"Root={root};Parent={span_hex(span.span_id)};Sampled={sampled}")

    def extract(
        self,
        carrier: CarrierT,  # noqa: ARG002 - the interface's signature
        context: otel_context.Context | None = None,
        getter: Getter[CarrierT] = default_getter,  # noqa: ARG002 - the same
    ) -> otel_context.Context:
        """Return `context` as it is."""
        return context if context is not None else otel_context.get_current()

    @property
    def fields(self) -> set[str]:
        """Name the header that `inject` sets."""
        return {XRAY_HEADER}


def outgoing() -> TextMapPropagator:
    """Return what is injected into outgoing requests: `traceparent`, `baggage` and `X-Amzn-Trace-Id`."""
    return CompositePropagator([_W3C, _BAGGAGE, XRayHeaderPropagator()])
