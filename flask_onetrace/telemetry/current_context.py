"""Read and set OpenTelemetry's current context at the cost of a context variable alone.

The API's functions for it call two others each, in every span and log line of a request.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from opentelemetry.context import Context, attach, detach, get_current


def _variable() -> ContextVar[Context]:
    token = attach(get_current())
    try:
        return token.var
    finally:
        detach(token)


EMPTY_CONTEXT: Final = Context()
_VARIABLE: Final = _variable()
current_context: Final = _VARIABLE.get
"""Return the current context, as `opentelemetry.context.get_current`."""
enter_context: Final = _VARIABLE.set
"""Make a context the current one, as `opentelemetry.context.attach`, and return the token for `detach`."""
