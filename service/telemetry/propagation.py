"""Resolve the trace context of an incoming request, and pass ours on with outgoing ones.

The order is: a valid W3C `traceparent`; else `X-Amzn-Trace-Id`, of which a `Root` alone, as a load balancer
sends it, is enough; else a new id. A malformed header counts as absent.
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

from service.telemetry.ids import parse_xray_trace_id, span_hex, trace_hex, xray_trace_id
from service.telemetry.scope import current_scope
from service.telemetry.w3c import parse_traceparent, parse_tracestate

XRAY_HEADER = "X-Amzn-Trace-Id"
_MAX_XRAY_HEADER = 1024
_MAX_BAGGAGE = 8192
_SPAN_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


class Incoming(NamedTuple):
    """What the caller said. All of it may be absent.

    `hint` is its sampled flag. `amzn_root` is the load balancer's own id where another one won, so that its
    access log can be joined.
    """

    trace_id: int | None = None
    parent_id: int | None = None
    hint: bool | None = None
    tracestate: str | None = None
    amzn_root: str | None = None


class _AmznHeader(NamedTuple):
    trace_id: int
    parent_id: int | None
    hint: bool | None


def resolve(environ: Mapping[str, Any]) -> Incoming:
    """Return the trace context that the WSGI `environ` of a request carries. Never raises."""
    amzn = _parse_amzn(environ.get("HTTP_X_AMZN_TRACE_ID", ""))
    w3c = parse_traceparent(environ.get("HTTP_TRACEPARENT", ""))
    if w3c is not None:
        return Incoming(
            trace_id=w3c.trace_id,
            parent_id=w3c.parent_id,
            hint=w3c.sampled,
            tracestate=parse_tracestate(environ.get("HTTP_TRACESTATE", "")),
            amzn_root=xray_trace_id(amzn.trace_id) if amzn and amzn.trace_id != w3c.trace_id else None,
        )
    return Incoming(*amzn) if amzn is not None else Incoming()


def _parse_amzn(header: str) -> _AmznHeader | None:
    """Read `Root=1-…;Parent=…;Sampled=1`, the fields in any order ("Tracing header", X-Ray concepts)."""
    if not header or len(header) > _MAX_XRAY_HEADER:
        return None
    fields: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name in fields:
            return None
        fields[name] = value
    trace_id = parse_xray_trace_id(fields.get("Root", ""))
    if trace_id is None:
        return None
    parent = fields.get("Parent", "")
    parent_id = int(parent, 16) if _SPAN_ID.fullmatch(parent) else 0
    return _AmznHeader(trace_id, parent_id or None, {"0": False, "1": True}.get(fields.get("Sampled", "")))


def incoming_baggage(environ: Mapping[str, Any]) -> otel_context.Context:
    """Return a context that holds the request's `baggage` and nothing else."""
    empty = otel_context.Context()
    header = environ.get("HTTP_BAGGAGE", "")
    # OpenTelemetry's reader logs what is out of bounds; this is checked first, so that no stranger fills the log.
    if not header or len(header) > _MAX_BAGGAGE or not header.isascii() or not header.isprintable():
        return empty
    members = [member for member in header.split(",") if _is_baggage(member)]
    return W3CBaggagePropagator().extract({"baggage": ",".join(members)}, empty) if members else empty


_BAGGAGE_MEMBER = re.compile(
    r"[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ \t]*[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
)


def _is_baggage(member: str) -> bool:
    return _BAGGAGE_MEMBER.fullmatch(member.partition(";")[0].rstrip(" \t")) is not None


class OutgoingHeaders(TextMapPropagator):
    """Write `traceparent`, `tracestate` and `X-Amzn-Trace-Id` of the current span; `resolve` reads incoming ones."""

    def inject(
        self,
        carrier: CarrierT,
        context: otel_context.Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Set the headers, if there is a valid span in `context`."""
        span = trace.get_current_span(context).get_span_context()
        if not span.is_valid:
            return
        recorded = span.trace_flags.sampled
        scope = current_scope(context)
        ours = scope is not None and scope.trace_id == span.trace_id
        tracestate = scope.tracestate if scope is not None and ours else span.trace_state.to_header()
        in_xray = scope.in_xray if scope is not None and ours else recorded
        setter.set(
            carrier, "traceparent", f"00-{trace_hex(span.trace_id)}-{span_hex(span.span_id)}-{int(recorded):02x}"
        )
        if tracestate:
            setter.set(carrier, "tracestate", tracestate)
        root, parent = xray_trace_id(span.trace_id), span_hex(span.span_id)
        setter.set(carrier, XRAY_HEADER, f"Root={root};Parent={parent};Sampled={int(in_xray)}")

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
        """Name the headers that `inject` sets."""
        return {"traceparent", "tracestate", XRAY_HEADER}


def outgoing() -> TextMapPropagator:
    """Return what is injected into outgoing requests: our headers and the `baggage`."""
    return CompositePropagator([OutgoingHeaders(), W3CBaggagePropagator()])
