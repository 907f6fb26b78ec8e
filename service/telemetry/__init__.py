"""Observe a Flask app four ways under one trace id.

`Telemetry(settings).install(app)` is all that an app needs; `identify` names the user of the current
request in every sink. Spans made with OpenTelemetry's API and subsegments made with the X-Ray SDK's
both join the request's trace.
"""

from service.telemetry.core import EXTENSION, Telemetry, current_telemetry
from service.telemetry.scope import RequestScope, current_scope

__all__ = ["EXTENSION", "RequestScope", "Telemetry", "current_scope", "current_telemetry", "identify", "trace_id"]


def identify(user_id: str) -> None:
    """Name the user of the current request on its span, segment, log lines and error items."""
    scope = current_scope()
    if scope is not None:
        scope.user_id = user_id


def trace_id() -> str | None:
    """Return the current request's trace id as 32 hex digits, or None outside a request."""
    scope = current_scope()
    return scope.trace_hex if scope is not None else None
