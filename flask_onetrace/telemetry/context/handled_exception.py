"""Keep the exception that the application's error handler turns into a response.

Flask's signal `got_request_exception` is sent for unhandled exceptions only. A request whose handler answers with a 5xx
has failed all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from flask_onetrace.telemetry.context.trace_scope import TraceScope

_SERVER_ERROR: Final = 500


def client_error_status(error: BaseException) -> int | None:
    """Return the status of an `HTTPException` that is a response of less than 500, else None.

    Flask does not signal those; Flask-RESTX and Flask-RESTful do, for each 400 and 404.
    """
    if not isinstance(error, HTTPException):
        return None
    status = error.code if error.response is None else getattr(error.response, "status_code", None)
    return status if status is not None and status < _SERVER_ERROR else None


class HandledException:
    """The last exception of a request for which Flask has looked for an error handler."""

    error: BaseException | None = None
    is_logged = False
    """Whether the application has logged it, with its traceback."""

    def before_end(self, scope: TraceScope) -> None:
        """Do nothing: the exception was reported, if at all, when the response began."""

    def release(self) -> None:
        """Drop the exception, whose frames refer to the request."""
        self.error = None


def note_handled(scope: TraceScope, error: BaseException) -> None:
    """Keep `error` until the status of the request's response is known."""
    handled = scope.extra_of(HandledException)
    handled.error, handled.is_logged = error, False


def note_logged(scope: TraceScope, error: BaseException) -> None:
    """Note that the application logs `error` itself."""
    handled = scope.extras.get(HandledException)
    if handled is not None and handled.error is error:
        handled.is_logged = True
