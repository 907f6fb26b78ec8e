"""The API for handlers and jobs, independent of which sinks are on. Outside both, `span` begins a trace of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ParamSpec, TypeVar

from opentelemetry import trace

from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.current_context import current_context, enter_context
from flask_onetrace.telemetry.tracer_provider import tracer_provider

P = ParamSpec("P")
R = TypeVar("R")
Value = str | bool | int | float

_tracer = tracer_provider.get_tracer("flask_onetrace.telemetry")


def span(name: str, **attributes: Value) -> AbstractContextManager[trace.Span]:
    """Time the block as a span within the current one; an exception that leaves it is recorded on it."""
    return _tracer.start_as_current_span(name, attributes=attributes)  # type: ignore[no-any-return]  # as the API has it


def annotate(**values: Value) -> None:
    """Set attributes on the current span; X-Ray indexes them as annotations, up to 50 a trace."""
    current, scope = trace.get_current_span(), current_scope()
    if scope is not None and current.is_recording():
        current.set_attributes(values)
        scope.annotate(current.get_span_context().span_id, values)


def identify(user_id: object) -> None:
    """Name the user of the current request or job on its spans, segment, log lines and error items; None clears it.

    A number or a UUID, as databases have for users, is converted to text.
    """
    scope = current_scope()
    if scope is not None:
        scope.identify(user_id)


def trace_id() -> str | None:
    """Return the trace id of the current request or job as 32 hex digits, or None outside both."""
    scope = current_scope()
    return scope.trace_hex if scope is not None else None


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """Bind `function` to the current trace context, to be called in another thread.

    `executor.submit(carry(resize), picture)`. It carries OpenTelemetry's context alone, not Flask's request: for that,
    `carry(copy_current_request_context(resize))`.
    """
    context = current_context()

    @functools.wraps(function)
    def in_context(*args: P.args, **kwargs: P.kwargs) -> R:
        outer = current_context()
        enter_context(context)
        try:
            return function(*args, **kwargs)
        finally:
            enter_context(outer)

    return in_context
