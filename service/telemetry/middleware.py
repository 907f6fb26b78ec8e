"""Open one scope per request at the WSGI boundary, and end it after the last byte of the response."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NoReturn

from opentelemetry.context import attach

from service.telemetry.context.request_scope import AppTelemetry, RequestScope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from opentelemetry.context import Context

logger = logging.getLogger(__name__)

CLIENT_DISCONNECTED: Final = "client_disconnected"
_CLIENT_CLOSED_REQUEST: Final = 499
"""The status of a request whose client left before the response began, as in nginx's access log."""
_SERVER_ERROR: Final = HTTPStatus.INTERNAL_SERVER_ERROR
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class TraceMiddleware:
    """Run each request of a WSGI application within its own scope."""

    def __init__(self, telemetry: AppTelemetry) -> None:
        self._telemetry = telemetry
        self._untraced_paths = telemetry.config.untraced_paths

    def serve(self, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request with `app`, which is not held: it would keep itself alive."""
        if environ.get("PATH_INFO") in self._untraced_paths:
            return app(environ, start_response)
        exchange = Exchange(self._telemetry.start_request(environ), environ, start_response)
        exchange.begin(app)
        return exchange


class Exchange:
    """One request and its response: it is the body that the server iterates over, and closes at its end."""

    __slots__ = (
        "_body",
        "_bytes_sent",
        "_context",
        "_environ",
        "_is_exhausted",
        "_run",
        "_scope",
        "_start_response",
        "_start_time",
        "_status",
    )

    def __init__(self, scope: RequestScope, environ: WSGIEnvironment, start_response: StartResponse) -> None:
        self._start_time = perf_counter()
        self._scope = scope
        self._environ = environ
        # A context of Python's own for the whole request: entering it costs less than OpenTelemetry's attach and
        # detach around each part, and what a handler leaves in it does not reach the next request of the thread.
        self._context = copy_context()
        self._run = self._context.run
        self._start_response = start_response
        self._status = 0
        self._bytes_sent = 0
        self._is_exhausted = False
        self._body: Iterable[bytes] = ()

    def begin(self, app: WSGIApplication) -> None:
        """Call the application. An exception that it did not mean to propagate is answered with a 500."""
        scope = self._scope
        scope.telemetry.open_requests.add(self)
        try:
            self._body = self._run(_call_within, scope.context(), app, self._environ, self.start_response)
        except BaseException as error:  # noqa: BLE001 - reported, and answered or raised again
            # Flask has signalled it, and raises it in tests, by `PROPAGATE_EXCEPTIONS`.
            is_propagated = scope.error is error and isinstance(error, Exception)
            self._run(_report, scope, error, "Exception on")
            if not (self._status or is_propagated or is_process_exit(error)):
                self._body = self._error_response()
                return
            self._status = _SERVER_ERROR
            self._run(self._finish)
            _reraise(error)

    def _error_response(self) -> Iterable[bytes]:
        """Start the response that a Flask app's error handler would return."""
        error = {"status": _SERVER_ERROR.value, "name": _SERVER_ERROR.phrase, "message": _SERVER_ERROR.description}
        body = json.dumps({"error": error, "trace_id": self._scope.trace_hex}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self.start_response(f"{_SERVER_ERROR.value} {_SERVER_ERROR.phrase.upper()}", headers)
        return (body,)

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,  # noqa: ANN401 - PEP 3333's own type
    ) -> Callable[[bytes], object]:
        """Keep the status, and add the ids to the headers."""
        self._status = int(status[:3])
        scope = self._scope
        scope.capture_route()
        elapsed_ms = (perf_counter() - self._start_time) * 1000
        trace_headers = [
            (scope.telemetry.config.trace_id_header, scope.trace_hex),
            ("traceresponse", scope.traceresponse),
            ("Server-Timing", f"app;dur={elapsed_ms:.2f}"),
        ]
        # Two arguments unless there is an exc_info: some servers' start_response accepts only two.
        if exc_info:
            return self._start_response(status, headers + trace_headers, exc_info)
        return self._start_response(status, headers + trace_headers)

    def __iter__(self) -> Iterator[bytes]:
        run = self._run
        try:
            chunks = iter(self._body)
        except BaseException as error:  # noqa: BLE001 - as below
            self._break_off(error)
        while True:
            try:
                chunk = run(next, chunks, None)
            except BaseException as error:  # noqa: BLE001 - raised again, as what servers can handle
                self._break_off(error)
            if chunk is None:
                self._is_exhausted = True
                return
            yield chunk
            # Where the server could not write it, it asks for no more.
            self._bytes_sent += len(chunk)

    def _break_off(self, error: BaseException) -> NoReturn:
        """Report an exception in the middle of a body: Flask has left the request by then and signals nothing."""
        if not self._bytes_sent:
            self._status = _SERVER_ERROR  # the server sends the headers with the first bytes
        self._run(_report, self._scope, error, "Exception in the body of")
        _reraise(error)

    def close(self) -> None:
        """Close the wrapped body, then finish: the server calls this whether or not the body was read."""
        self._run(self._close)

    def _close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as error:  # noqa: BLE001 - raised again, as what servers can handle
            _report(self._scope, error, "Exception at the end of")
            _reraise(error)
        finally:
            if not self._is_exhausted and self._scope.error is None and self._expects_body():
                self._note_unread()
            self._finish()

    def _expects_body(self) -> bool:
        return self._scope.method != "HEAD" and self._status not in _WITHOUT_BODY

    def _note_unread(self) -> None:
        """Note that the server stopped reading the body: the client left, was cut off, or an item cannot be written."""
        aborted = getattr(self._environ.get("gunicorn.socket"), "aborted", CLIENT_DISCONNECTED)
        if aborted is None:
            self._status = self._status if self._bytes_sent else _SERVER_ERROR
            _report(self._scope, TypeError("the server cannot write an item of the body"), "Exception in the body of")
            return
        if not self._bytes_sent:
            self._status = _CLIENT_CLOSED_REQUEST
        self._scope.aborted = aborted

    def abandon(self, reason: str) -> None:
        """Finish a request that will not end in time; its own thread may still be running it."""
        self._context.copy().run(self._finish, reason)

    def _finish(self, aborted: str | None = None) -> None:
        """End the server span and write the access line, once. The request's context, or a copy, is the current one."""
        scope = self._scope
        try:
            scope.telemetry.open_requests.remove(self)
        except KeyError:
            return  # finished, or abandoned
        scope.duration_ms = (perf_counter() - self._start_time) * 1000
        scope.status, scope.bytes_sent = self._status or _SERVER_ERROR.value, self._bytes_sent
        if aborted is not None:
            scope.aborted = aborted
        if scope.aborted is not None:
            # Of our own server, what was written and is yet to be sent: it never will be.
            unsent = getattr(self._environ.get("gunicorn.socket"), "unsent", 0)
            scope.bytes_sent = max(0, scope.bytes_sent - unsent)
        scope.telemetry.finish_request(scope)


def _call_within(
    context: Context, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    attach(context)
    return app(environ, start_response)


def _report(scope: RequestScope, error: BaseException, what: str) -> None:
    """Log and report an exception that Flask has not."""
    if scope.error is None or not isinstance(error, Exception):
        logger.error("%s %s [%s]", what, scope.path, scope.method, exc_info=error)
    if scope.error is None:
        scope.telemetry.report(error)


def is_process_exit(error: BaseException) -> bool:
    """Return whether an exception is to end the process: on another thread, and of another class, it ends a request."""
    is_exit = isinstance(error, SystemExit | KeyboardInterrupt)
    return is_exit and threading.current_thread() is threading.main_thread()


def _reraise(error: BaseException) -> NoReturn:
    """Raise what a server can handle: most die of an exception that is no `Exception`."""
    if isinstance(error, Exception) or is_process_exit(error):
        raise error
    raise RuntimeError(f"{type(error).__name__} in a request") from error
