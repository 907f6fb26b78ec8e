"""The API for handlers, independent of which sinks are on. Outside a request, each call has no effect."""

from __future__ import annotations

from contextlib import AbstractContextManager

from opentelemetry import trace

from service.telemetry.context.trace_scope import current_scope

Value = str | bool | int | float

_tracer = trace.get_tracer("service.telemetry")


def span(name: str, **attributes: Value) -> AbstractContextManager[trace.Span]:
    """Time the block as a span within the current one; an exception that leaves it is recorded on it."""
    return _tracer.start_as_current_span(name, attributes=attributes)


def annotate(**values: Value) -> None:
    """Set attributes on the current span that are indexed where a back end can: X-Ray takes up to 50 a trace."""
    current, scope = trace.get_current_span(), current_scope()
    if scope is not None and current.is_recording():
        current.set_attributes(values)
        scope.annotate(current.get_span_context().span_id, values)


def identify(user_id: object) -> None:
    """Name the user of the current request on its spans, segment, log lines and error items; None clears it.

    A number or a UUID, as databases have for users, is converted to text.
    """
    scope = current_scope()
    if scope is not None:
        scope.identify(user_id)


def trace_id() -> str | None:
    """Return the current request's trace id as 32 hex digits, or None outside a request."""
    scope = current_scope()
    return scope.trace_hex if scope is not None else None
