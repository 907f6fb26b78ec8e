"""Open one scope per request at the WSGI boundary, and end it after the last byte of the response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach

from service.telemetry.context.request_scope import AppTelemetry, RequestScope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from opentelemetry.context import Context

logger = logging.getLogger(__name__)


class TraceMiddleware:
    """Wrap a WSGI application so that each request runs within its own scope."""

    def __init__(self, app: WSGIApplication, telemetry: AppTelemetry) -> None:
        self._app = app
        self._telemetry = telemetry
        self._untraced_paths = telemetry.config.untraced_paths

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get("PATH_INFO") in self._untraced_paths:
            return self._app(environ, start_response)
        exchange = _Exchange(self._telemetry.start_request(environ), start_response)
        exchange.begin(self._app, environ)
        return exchange


class _Exchange:
    """One request and its response: it is the body that the server iterates over, and closes at its end."""

    __slots__ = ("_body", "_bytes_sent", "_is_finished", "_run", "_scope", "_start_response", "_start_time", "_status")

    def __init__(self, scope: RequestScope, start_response: StartResponse) -> None:
        self._start_time = perf_counter()
        self._scope = scope
        # A context of Python's own for the whole request: entering it costs less than OpenTelemetry's attach and
        # detach around each part, and what a handler leaves in it does not reach the next request of the thread.
        self._run = copy_context().run
        self._start_response = start_response
        self._status = 500
        self._bytes_sent = 0
        self._is_finished = False
        self._body: Iterable[bytes] = ()

    def begin(self, app: WSGIApplication, environ: WSGIEnvironment) -> None:
        """Call the application."""
        scope = self._scope
        try:
            self._body = self._run(_call_within, scope.context(), app, environ, self.start_response)
        except BaseException as error:
            scope.error = scope.error or error
            self._run(self._finish)
            raise

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
        chunks = iter(self._body)
        while True:
            try:
                chunk = run(next, chunks, None)
            except BaseException as error:
                run(_report_broken_body, self._scope, error)
                raise
            if chunk is None:
                return
            self._bytes_sent += len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the wrapped body, then finish: the server calls this whether or not the body was read."""
        self._run(self._close)

    def _close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._finish()

    def _finish(self) -> None:
        """End the server span and write the access line, once. The request's context is the current one."""
        if self._is_finished:
            return
        self._is_finished = True
        scope = self._scope
        scope.duration_ms = (perf_counter() - self._start_time) * 1000
        scope.status, scope.bytes_sent = self._status, self._bytes_sent
        scope.telemetry.finish_request(scope)


def _call_within(
    context: Context, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    attach(context)
    return app(environ, start_response)


def _report_broken_body(scope: RequestScope, error: BaseException) -> None:
    """Report an exception in the middle of a body: Flask has left the request by then and signals nothing."""
    if scope.error is not None:
        return
    scope.error = error
    if isinstance(error, Exception):
        logger.error("Exception in the body of %s [%s]", scope.path, scope.method, exc_info=error)
        scope.telemetry.report(error)
