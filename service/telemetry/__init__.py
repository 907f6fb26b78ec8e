"""Observe a Flask app four ways under one trace id.

`Telemetry(settings).install(app)` is all that an app needs. A handler uses four things, none of which needs to
know which sinks are on, and each of which does nothing outside a request:

- `span(name)` times a block: a span in Honeycomb, a subsegment in X-Ray;
- `annotate(key=value)` says something of the current span that one will search for, in both;
- `identify(user_id)` names the user of the request on its spans, segment, log lines and error items;
- `trace_id()` gives the id to show to a person.

Plain OpenTelemetry calls (`trace.get_tracer(...)`), plain X-Ray SDK calls (`xray_recorder.in_subsegment(...)`),
`logging` and `rollbar.report_message(...)` work too, and join the same trace.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from opentelemetry import trace

from service.telemetry.context.request_scope import RequestScope, current_scope
from service.telemetry.export.safe_json import text
from service.telemetry.telemetry import EXTENSION, Telemetry, current_telemetry
from service.telemetry.xray_sdk import lean_import  # noqa: F401 - before all that imports the SDK

__all__ = [
    "EXTENSION",
    "RequestScope",
    "Telemetry",
    "annotate",
    "current_scope",
    "current_telemetry",
    "identify",
    "span",
    "trace_id",
]

Value = str | bool | int | float

_tracer = trace.get_tracer(__name__)


def span(name: str, **attributes: Value) -> AbstractContextManager[trace.Span]:
    """Time the block as a span within the current one; an exception that leaves it is recorded on it."""
    return _tracer.start_as_current_span(name, attributes=attributes)


def annotate(**values: Value) -> None:
    """Set attributes on the current span that X-Ray indexes as annotations, up to 50 a trace."""
    current, scope = trace.get_current_span(), current_scope()
    if scope is not None and current.is_recording():
        current.set_attributes(values)
        scope.annotate(current.get_span_context().span_id, values)


def identify(user_id: object) -> None:
    """Name the user of the current request on its spans, segment, log lines and error items; None is nobody.

    A number or a UUID, as databases have for users, is named by its text.
    """
    scope = current_scope()
    if scope is not None:
        scope.user_id = None if user_id is None else text(user_id)


def trace_id() -> str | None:
    """Return the current request's trace id as 32 hex digits, or None outside a request."""
    scope = current_scope()
    return scope.trace_hex if scope is not None else None
