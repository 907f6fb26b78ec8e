"""Open one scope per request at the WSGI boundary, and end it after the last byte of the response.

What the application does is left as it is: its exceptions, its context variables, its headers and what the client gets.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from http import HTTPStatus
from operator import itemgetter
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol
from weakref import ref

from flask_onetrace.telemetry.context.handled_exception import HandledException, client_error_status
from flask_onetrace.telemetry.context.open_requests import OpenRequest
from flask_onetrace.telemetry.context.request_scope import RequestScope
from flask_onetrace.telemetry.context.trace_scope import AppTelemetry
from flask_onetrace.telemetry.current_context import current_context, enter_context
from flask_onetrace.telemetry.root_logger import log_handler
from flask_onetrace.telemetry.safe_logging import safe_logger

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = safe_logger(__name__)

CLIENT_DISCONNECTED: Final = "client_disconnected"
_CLIENT_CLOSED_REQUEST: Final = 499
"""The status of a request whose client left before the response began, as in nginx's access log."""
_INTERNAL_SERVER_ERROR: Final = HTTPStatus.INTERNAL_SERVER_ERROR
_SERVER_ERROR: Final = 500
_SWITCHING_PROTOCOLS: Final = 101
_OK: Final = 200
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_STATUS_CODES: Final = {f"{each.value} {each.phrase.upper()}": each.value for each in HTTPStatus}
"""By status line, as Werkzeug writes it."""
_END: Final = b"the end of a body"
"""Returned by `next` in place of an exception, which would cost more; recognised by its identity."""
_NOT_RETURNED: Final[list[bytes]] = []
"""The body of a response until the application's call has returned; recognised by its identity."""
_TRACE_FLAGS: Final = ("00", "01", "02", "03")
"""The trace flags that spans here can have, in hex."""
_name_of: Final = itemgetter(0)


class TraceMiddleware:
    """Run each request of a WSGI application within its own scope.

    `propagates` says whether an exception that leaves the application is meant to leave the server too, as Flask's
    `PROPAGATE_EXCEPTIONS` has it in tests and in a debugger.
    """

    def __init__(self, telemetry: AppTelemetry, propagates: Callable[[], bool] = lambda: False) -> None:
        self.start_request = telemetry.start_request
        self.reserved_paths: frozenset[str] = frozenset()
        """Those of both kinds below: most requests are for none."""
        self.untraced_paths: frozenset[str] = frozenset()
        self._answers: dict[str, WSGIApplication] = {}
        self.propagates = propagates
        self.open_requests = telemetry.open_requests
        self.served, self.unclosed = telemetry.open_requests.served, telemetry.open_requests.unclosed
        self.unclosed_failed: deque[OpenRequest[RequestScope]] = deque()
        self.open_requests.watch(self.unclosed_failed)
        self.trace_id_header = telemetry.config.trace_id_header
        self.single_headers = frozenset({self.trace_id_header.lower(), "traceresponse"})
        """Of which a response that is passed on may have some already."""
        self.single_lengths = frozenset(map(len, self.single_headers))

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        """Return `app` with each of its requests traced."""
        return _Traced(self, app).serve

    def leave_untraced(self, path: str) -> None:
        """Give the requests for `path` neither a span nor an access line of their own."""
        self.untraced_paths |= {path}
        self.reserved_paths |= {path}

    def answer(self, paths: Iterable[str], answerer: WSGIApplication) -> None:
        """Have `answerer` answer the requests for `paths`, traced like any other, in place of the application."""
        middleware = copy(self)
        middleware.reserved_paths = frozenset()
        served = middleware.wrap(answerer)
        self._answers |= dict.fromkeys(paths, served)
        self.reserved_paths |= self._answers.keys()

    def answerer_of(self, path: str) -> WSGIApplication | None:
        """Return what answers a reserved path in place of the application; None for one that is not traced."""
        return self._answers.get(path)


class TracedApplication(Protocol):
    """An application whose requests `serve` traces."""

    trace_middleware: TraceMiddleware

    @property
    def untraced_wsgi_app(self) -> WSGIApplication:
        """The application itself."""


def serve(self: TracedApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve one request. An exception that the application did not mean to propagate is answered with a 500.

    It is a method of each traced application: one that only called it would cost each request a call.
    """
    middleware = self.trace_middleware
    if environ.get("PATH_INFO") in middleware.reserved_paths:
        return (middleware.answerer_of(environ["PATH_INFO"]) or self.untraced_wsgi_app)(environ, start_response)
    try:
        scope = middleware.start_request(environ)
    except Exception:
        logger.exception("a request is served without telemetry: its scope could not be made")
        return self.untraced_wsgi_app(environ, start_response)
    if middleware.unclosed or middleware.unclosed_failed:
        middleware.open_requests.finish_unclosed()
    exchange = Exchange(middleware, scope, environ, start_response)
    middleware.served.add(exchange.reference)
    outer = current_context()
    enter_context(exchange.context)
    try:
        exchange.body = self.untraced_wsgi_app(environ, exchange.start_response)
        if exchange.headers is not None and exchange.server_write is None:
            exchange.server_write = start_response(exchange.status_line, exchange.headers)
    except BaseException as error:  # noqa: BLE001 - reported, and answered or raised again
        exchange.answer(error)
    finally:
        exchange.context = current_context()
        enter_context(outer)  # a second `set` costs half of a `reset`
    return exchange


class _Traced:
    """A traced application that is no Flask app."""

    serve = serve

    def __init__(self, middleware: TraceMiddleware, app: WSGIApplication) -> None:
        self.trace_middleware = middleware
        self._app = app

    @property
    def untraced_wsgi_app(self) -> WSGIApplication:
        """The application itself."""
        return self._app


class Exchange:
    """One request and its response: it is the body that the server iterates over, and closes at its end.

    The request's context is the current one of OpenTelemetry while the application runs, and no longer: the server may
    run other code in between. What a handler leaves in it does not reach the next request of the thread.
    """

    __slots__ = (
        "__weakref__",
        "_bytes_sent",
        "_end_time",
        "_end_time_ns",
        "_is_exhausted",
        "_is_finished",
        "_middleware",
        "_start_response",
        "_status",
        "body",
        "context",
        "environ",
        "headers",
        "reference",
        "scope",
        "server_write",
        "start_time",
        "status_line",
    )

    def __init__(
        self,
        middleware: TraceMiddleware,
        scope: RequestScope,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> None:
        self.start_time = perf_counter()
        self._is_finished = True  # until it is complete
        self._middleware = middleware
        self.scope = scope
        self.environ = environ
        self.context = scope.context()
        self._start_response = start_response
        self.headers: list[tuple[str, str]] | None = None
        """Those that are not sent yet: until the application's call returns, it may still fail."""
        self.status_line = ""
        self.server_write: Callable[[bytes], object] | None = None
        self._status = 0
        self._bytes_sent = 0
        self._end_time: float | None = None
        """When it was dropped: `_end_time_ns` by the other clock, in nanoseconds since the epoch."""
        self._end_time_ns: int | None = None
        self._is_exhausted = self._is_finished = False
        self.reference: ref[OpenRequest[RequestScope]] = ref(self)
        self.body: Iterable[bytes] = _NOT_RETURNED

    def answer(self, error: BaseException) -> None:
        """Answer an exception that left the application's call with a 500, or raise it again where it is meant so."""
        scope = self.scope
        if isinstance(error, StopIteration) and not self._status and scope.error is None:
            # gunicorn's way to say that the application has served the connection itself, as with a WebSocket.
            is_upgrade = "HTTP_UPGRADE" in self.environ
            self._status = _SWITCHING_PROTOCOLS if is_upgrade else _OK
            self._finish()
            raise error
        _report(scope, error, "Exception on")
        self._status = _SERVER_ERROR
        if not (self.server_write or is_process_exit(error) or self._middleware.propagates()):
            try:
                self.body = self._error_response()
            except Exception:
                logger.exception("the response to an exception could not begin")
            else:
                return
        self._finish()
        _reraise(error)

    def _error_response(self) -> Iterable[bytes]:
        """Start the response that a Flask app's error handler would return."""
        failure = _INTERNAL_SERVER_ERROR
        error = {"status": _SERVER_ERROR, "name": failure.phrase, "message": failure.description}
        body = json.dumps({"error": error, "trace_id": self.scope.trace_hex}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self.headers = None
        self.start_response(f"{_SERVER_ERROR} {failure.phrase.upper()}", headers)
        self.send_headers()
        return (body,)

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,  # noqa: ANN401 - PEP 3333's own type
    ) -> Callable[[bytes], object]:
        """Keep status and headers, with the ids added, until the application's call returns, or it writes."""
        if self.headers is not None and not exc_info:
            raise AssertionError("start_response was called twice without exc_info")  # as the standard library does
        scope = self.scope
        try:
            self._status = _STATUS_CODES.get(status) or int(status[:3])
            scope.capture_route()  # Flask drops it when the call returns
            if self._status >= _SERVER_ERROR or scope.error is not None:
                if scope.error is None and HandledException in scope.extras:
                    _report_handled(scope, scope.extras[HandledException])
                scope.telemetry.keep(scope)
        except Exception:  # a status that is no number, for one: the server says what it thinks of it
            logger.exception("the beginning of a response could not be recorded")
        elapsed_ms = (perf_counter() - self.start_time) * 1000
        middleware = self._middleware
        if type(headers) is not list:  # as PEP 3333 wants it
            headers = list(headers)
        # Most responses have no name as long as these, which costs less to find out than to compare the names.
        if not middleware.single_lengths.isdisjoint(map(len, map(_name_of, headers))):
            headers = [header for header in headers if header[0].lower() not in middleware.single_headers]
        self.status_line, digits, span = status, scope.trace_hex, scope.span
        self.headers = [
            *headers,
            (middleware.trace_id_header, digits),
            # As W3C "Trace Context Level 2" has it, `00-<trace id>-<span id>-<flags>`.
            ("traceresponse", f"00-{digits}-{span.span_id.to_bytes(8, 'big').hex()}-{_TRACE_FLAGS[span.flags]}"),
            ("Server-Timing", f"app;dur={elapsed_ms:.2f}"),
        ]
        if self.body is not _NOT_RETURNED or self.server_write is not None:
            self.send_headers(exc_info)
        return self._write

    def send_headers(self, exc_info: Any = None) -> None:  # noqa: ANN401 - as above
        """Start the server's response, if the application has begun its own."""
        headers = self.headers
        if headers is None or (self.server_write is not None and not exc_info):
            return
        # Two arguments unless there is an exc_info: some servers' start_response accepts only two.
        if exc_info:
            self.server_write = self._start_response(self.status_line, headers, exc_info)
        else:
            self.server_write = self._start_response(self.status_line, headers)

    def _write(self, data: bytes) -> None:
        """Write at once, as PEP 3333 has it for old applications."""
        self.send_headers()
        if self.server_write is not None:
            self.server_write(data)
            self._bytes_sent += len(data)

    def __iter__(self) -> Iterator[bytes]:
        sent = self._bytes_sent
        chunks: Iterator[bytes] | None = None
        while True:
            outer = current_context()
            enter_context(self.context)
            try:
                if chunks is None:
                    chunks = iter(self.body)
                chunk = next(chunks, _END)
            except BaseException as error:  # noqa: BLE001 - raised again, as what servers can handle
                try:
                    self._break_off(error)
                finally:
                    enter_context(outer)
            self.context = current_context()
            enter_context(outer)
            if chunk is _END:
                self._is_exhausted = True
                return
            yield chunk
            # Where the server could not write it, it asks for no more.
            sent += len(chunk)
            self._bytes_sent = sent

    def _break_off(self, error: BaseException) -> NoReturn:
        """Report an exception in the middle of a body: Flask has left the request by then and signals nothing."""
        status = client_error_status(error)  # of a request's body that the handler reads meanwhile
        if not self._bytes_sent:
            self._status = status or _SERVER_ERROR  # the server sends the headers with the first bytes
        if status is None:
            _report(self.scope, error, "Exception in the body of")
        else:
            self._is_exhausted = True
        _reraise(error)

    def close(self) -> None:
        """Close the wrapped body, then finish: the server calls this whether or not the body was read."""
        outer = current_context()
        enter_context(self.context)
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        except BaseException as error:  # noqa: BLE001 - raised again, as what servers can handle
            _report(self.scope, error, "Exception at the end of")
            _reraise(error)
        finally:
            if not self._is_exhausted:
                self._note_unread()
            self._finish()
            enter_context(outer)

    def __del__(self) -> None:
        """Note a response that nobody has closed, as tests often do not.

        Its request is finished with the next one, or when telemetry sends what it has: the garbage collector may call
        this in the middle of anything.
        """
        if not self._is_finished:
            self._end_time, self._end_time_ns = perf_counter(), time_ns()
            self.body = ()  # the application's own objects are free to go
            middleware = self._middleware
            (middleware.unclosed if self.scope.error is None else middleware.unclosed_failed).append(self)

    def _note_unread(self) -> None:
        """Note that the server stopped reading the body: the client left, was cut off, or an item cannot be written."""
        if self.scope.error is not None or self.scope.method == "HEAD" or self._status in _WITHOUT_BODY:
            return
        aborted = getattr(self.environ.get("gunicorn.socket"), "aborted", CLIENT_DISCONNECTED)
        if aborted is None:
            self._status = self._status if self._bytes_sent else _SERVER_ERROR
            _report(self.scope, TypeError("the server cannot write an item of the body"), "Exception in the body of")
            return
        if not self._bytes_sent and self._status < _SERVER_ERROR:  # a failure stays one, whoever waits for it
            self._status = _CLIENT_CLOSED_REQUEST
        self.scope.aborted = aborted

    def abandon(self, reason: str | None = None) -> None:
        """Finish a request that will not end in time, as `reason` says, or whose response nobody has closed.

        Its own thread may still be running it.
        """
        outer = current_context()
        enter_context(self.context)
        try:
            if reason is None and not self._is_exhausted:
                self._note_unread()
            self._finish(reason)
        finally:
            enter_context(outer)

    def _finish(self, aborted: str | None = None) -> None:
        """End the server span and write the access line, once, within the request's context. Never raises."""
        scope = self.scope
        try:
            self._middleware.served.remove(self.reference)
        except KeyError:
            return  # finished, or abandoned
        self._is_finished = True
        try:
            scope.duration_ms = ((self._end_time or perf_counter()) - self.start_time) * 1000
            scope.status, scope.bytes_sent = self._status or _SERVER_ERROR, self._bytes_sent
            if aborted is not None:
                scope.aborted = aborted
            if scope.aborted is not None:
                # Of our own server, what was written and is yet to be sent: it never will be.
                unsent = getattr(self.environ.get("gunicorn.socket"), "unsent", 0)
                scope.bytes_sent = max(0, scope.bytes_sent - unsent)
            scope.telemetry.finish_request(scope, self.environ, self._end_time_ns)
        except Exception:
            logger.exception("the end of a request could not be recorded")


def _report(scope: RequestScope, error: BaseException, what: str) -> None:
    """Log and report an exception that Flask has not. Never raises."""
    is_new = scope.error is not error
    if is_new or not isinstance(error, Exception):
        logger.error("%s %s [%s]", what, scope.path, scope.method, exc_info=error)
    if is_new:
        scope.telemetry.report(error, scope)


def _report_handled(scope: RequestScope, handled: HandledException) -> None:
    """Report the exception of a 5xx that an error handler of the application's has made. May raise."""
    error = handled.error
    if error is None:
        return
    scope.telemetry.report(error, scope)
    if not handled.is_logged:
        # To the sinks alone: the application has decided what its own log handlers show of it.
        message = f"Exception on {scope.path} [{scope.method}], answered by an error handler"
        exc_info = type(error), error, error.__traceback__
        log_handler.handle(logging.LogRecord(__name__, logging.ERROR, "", 0, message, (), exc_info))


def is_process_exit(error: BaseException) -> bool:
    """Return whether an exception is to end the process: on another thread, and of another class, it ends a request."""
    is_exit = isinstance(error, SystemExit | KeyboardInterrupt)
    return is_exit and threading.current_thread() is threading.main_thread()


def _reraise(error: BaseException) -> NoReturn:
    """Raise what a server can handle: most die of an exception that is no `Exception`."""
    if isinstance(error, Exception) or is_process_exit(error):
        raise error
    raise RuntimeError(f"{type(error).__name__} in a request") from error
