"""Set and restore the current context at the cost of a context variable alone."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache

from opentelemetry.context import Context, attach, detach, get_current


@cache
def context_variable() -> ContextVar[Context]:
    """Return the variable that holds OpenTelemetry's current context."""
    token = attach(get_current())
    try:
        return token.var
    finally:
        detach(token)
