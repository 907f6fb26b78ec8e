"""Report an exception once in a request, where the application has connected Rollbar's SDK to Flask's signal too.

Which of both comes first is not defined, so whoever does leaves a mark on the exception.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from flask_onetrace.telemetry.context.trace_scope import current_scope

BY_TELEMETRY: Final = "_reported_by_telemetry"
BY_APPLICATION: Final = "_reported_by_application"
"""Attributes of an exception: the id of the trace in which it was reported. The same object may be raised in others."""


def is_reported(error: BaseException | None, by: str) -> bool:
    """Return whether `error` was reported in the current request or job."""
    scope = current_scope()
    return scope is not None and getattr(error, "__dict__", {}).get(by) == scope.trace_hex


def note(error: BaseException | None, by: str) -> None:
    """Note that `error` is reported in the current request or job, if there is one."""
    scope = current_scope()
    if scope is not None and error is not None:
        with suppress(Exception):  # a class of the application's, which may refuse
            setattr(error, by, scope.trace_hex)
