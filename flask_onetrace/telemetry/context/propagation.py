"""Resolve the trace context of an incoming request, and propagate ours to outgoing ones.

The order is: a valid W3C `traceparent`; else `X-Amzn-Trace-Id`, of which a `Root` alone, as a load balancer
sends it, is enough; else a new id. A malformed header counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from flask_onetrace.telemetry.context.trace_context import parse_baggage, parse_traceparent, parse_tracestate
from flask_onetrace.telemetry.context.trace_scope import TraceScope, current_scope
from flask_onetrace.telemetry.current_context import EMPTY_CONTEXT
from flask_onetrace.telemetry.ids import parse_xray_trace_id, span_hex, trace_hex, xray_format, xray_trace_id
from flask_onetrace.telemetry.sampling.trace_state import trace_state_of
from flask_onetrace.telemetry.spans.span import SPAN_KEY

XRAY_HEADER = "X-Amzn-Trace-Id"
_MAX_XRAY_HEADER = 1024
_FLAGS = trace.TraceFlags.SAMPLED | trace.TraceFlags.RANDOM_TRACE_ID
"""The two that level 2 defines; it wants the others to be 0."""
_ROOT_ALONE = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})", re.ASCII)
"""All that a load balancer writes where the caller sent no header."""
_ZEROS: Final = "0" * 32
_SPAN_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)

ENVIRON_NAMES: Final = {
    "traceparent": "HTTP_TRACEPARENT",
    "tracestate": "HTTP_TRACESTATE",
    XRAY_HEADER: "HTTP_X_AMZN_TRACE_ID",
}
"""The names of the trace's headers in a WSGI environment."""

HINT_KEY: Final = otel_context.create_key("sampling-hint")
"""In a context with a message's parent span: its sender's sampled flag, None where it sent none."""


@dataclass(slots=True)
class IncomingContext:
    """What the caller sent beside the trace id. All of it may be absent.

    `hint` is its sampled flag. `amzn_root` is the load balancer's own id where `traceparent` took precedence, to join
    its access log. `random` says that the id's right half is known to be random, as a new one's is: a `traceparent`
    has a flag for it, a `Root` has not.
    """

    parent_id: int | None = None
    hint: bool | None = None
    tracestate: str | None = None
    amzn_root: str | None = None
    random: bool = True


NO_TRACE_ID: Final = ""
_NOTHING: Final = NO_TRACE_ID, IncomingContext()
_ROOT_ONLY: Final = IncomingContext(random=False)


def resolve(environ: Mapping[str, Any]) -> tuple[str, IncomingContext]:
    """Return the trace context that the WSGI `environ` of a request carries. Never raises.

    It is the trace id in 32 hex digits, `NO_TRACE_ID` where there is none, and what else the caller sent.
    """
    amzn = _parse_amzn(environ["HTTP_X_AMZN_TRACE_ID"]) if "HTTP_X_AMZN_TRACE_ID" in environ else _NOTHING
    w3c = parse_traceparent(environ["HTTP_TRACEPARENT"]) if "HTTP_TRACEPARENT" in environ else None
    if w3c is None:
        return amzn
    incoming, digits, root = IncomingContext(), trace_hex(w3c.trace_id), amzn[0]
    incoming.parent_id, incoming.hint, incoming.random = w3c.parent_id, w3c.sampled, w3c.random
    incoming.tracestate = parse_tracestate(environ.get("HTTP_TRACESTATE", ""))
    if root not in (NO_TRACE_ID, digits):
        incoming.amzn_root = xray_format(root)
    return digits, incoming


def _parse_amzn(header: str) -> tuple[str, IncomingContext]:
    """Read `Root=1-…;Parent=…;Sampled=1`, the fields in any order ("Tracing header", X-Ray concepts).

    Servers join two headers of that name by a comma: both are ignored then. A `Parent` or `Sampled` that is not valid
    counts as absent.
    """
    if match := _ROOT_ALONE.fullmatch(header):
        digits = match[1] + match[2]
        return (digits, _ROOT_ONLY) if digits != _ZEROS else _NOTHING
    if not header or len(header) > _MAX_XRAY_HEADER or "," in header:
        return _NOTHING
    fields: dict[str, str] = {}
    for part in filter(None, (each.strip(" \t") for each in header.split(";"))):
        name, _, value = part.partition("=")
        if name in fields:
            return _NOTHING
        fields[name] = value
    trace_id = parse_xray_trace_id(fields.get("Root", ""))
    if trace_id is None:
        return _NOTHING
    incoming = IncomingContext(random=False)
    parent = fields.get("Parent", "")
    incoming.parent_id = (int(parent, 16) if _SPAN_ID.fullmatch(parent) else 0) or None
    incoming.hint = {"0": False, "1": True}.get(fields.get("Sampled", ""))
    return trace_hex(trace_id), incoming


def extract_baggage(environ: Mapping[str, Any]) -> otel_context.Context:
    """Return a context that holds the request's `baggage` and nothing else."""
    context = EMPTY_CONTEXT
    for name, value in parse_baggage(environ.get("HTTP_BAGGAGE", "")).items():
        context = baggage.set_baggage(name, value, context)
    return context


class TraceContextPropagator(TextMapPropagator):
    """Inject the headers of the current span; `resolve` and `extract_baggage` read incoming ones.

    Not the `baggage`: here the called host is not known, and `outgoing_baggage` sends it to listed hosts only.
    """

    def inject(
        self,
        carrier: CarrierT,
        context: otel_context.Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Set the trace's headers if there is a valid span in `context`."""
        span = trace.get_current_span(context).get_span_context()
        headers = _trace_headers(span, current_scope(context)) if span.is_valid else {}
        for name, value in headers.items():
            if value:
                setter.set(carrier, name, value)

    def extract(
        self,
        carrier: CarrierT,
        context: otel_context.Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> otel_context.Context:
        """Return `context` with the parent span that a message carries; unchanged within a request, which has one."""
        current = context if context is not None else otel_context.get_current()
        if current_scope(current) is not None:
            return current
        headers = {name: getter.get(carrier, header) for header, name in ENVIRON_NAMES.items()}
        return with_parent({name: values[0] for name, values in headers.items() if values}, current)

    @property
    def fields(self) -> set[str]:
        """Name the headers that `inject` sets."""
        return {"traceparent", "tracestate", XRAY_HEADER}


def with_parent(environ: Mapping[str, Any], context: otel_context.Context) -> otel_context.Context:
    """Return `context` with the caller's span, as `environ` names it, as the current one; itself if there is none."""
    digits, incoming = resolve(environ)
    if digits == NO_TRACE_ID:
        return context
    flags = trace.TraceFlags.SAMPLED if incoming.hint else 0
    if incoming.random:
        flags |= trace.TraceFlags.RANDOM_TRACE_ID
    state = trace.TraceState.from_header([incoming.tracestate]) if incoming.tracestate else None
    # Without a `Parent` it is no valid span, and yet names the trace.
    parent = trace.SpanContext(int(digits, 16), incoming.parent_id or 0, True, trace.TraceFlags(flags), state)  # noqa: FBT003 - the API's own parameter: it is remote
    return otel_context.Context({**context, SPAN_KEY: trace.NonRecordingSpan(parent), HINT_KEY: incoming.hint})


def _trace_headers(span: trace.SpanContext, scope: TraceScope | None) -> dict[str, str]:
    """Return the headers by which the called service joins the trace; `tracestate` is kept in the request's scope."""
    is_request_trace = scope is not None and scope.trace_id == span.trace_id
    tracestate = scope.tracestate if scope is not None and is_request_trace else span.trace_state.to_header()
    sampled = span.trace_flags.sampled and trace_state_of(span.trace_state).sampled
    root, parent = xray_trace_id(span.trace_id), span_hex(span.span_id)
    return {
        "traceparent": f"00-{trace_hex(span.trace_id)}-{parent}-{span.trace_flags & _FLAGS:02x}",
        "tracestate": tracestate or "",
        XRAY_HEADER: f"Root={root};Parent={parent};Sampled={int(sampled)}",
    }
