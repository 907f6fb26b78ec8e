"""Open one scope per request at the WSGI boundary, and finish it after the last byte of the body."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach

from service.telemetry.logs import Access, log_access
from service.telemetry.scope import RequestScope
from service.telemetry.semantics import client_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from service.telemetry.core import Telemetry

logger = logging.getLogger(__name__)

TRACE_HEADER = "X-Trace-Id"


class TraceMiddleware:
    """Wrap a WSGI application so that each request runs within its own scope."""

    def __init__(self, app: WSGIApplication, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        scope = self._telemetry.open(environ)
        # A context of Python's own for the whole request: entering it costs less than OpenTelemetry's attach and
        # detach around each part, and what a handler leaves in it does not reach the next request of the thread.
        variables = copy_context()
        variables.run(attach, scope.context())
        exchange = _Exchange(scope, client_address(environ), start_response)
        try:
            body = variables.run(self._app, environ, exchange.start_response)
        except BaseException as error:
            scope.error = scope.error or error
            variables.run(exchange.finish)
            raise
        return _Body(body, exchange, variables)


class _Exchange:
    """What the access line needs, gathered while the response goes out."""

    __slots__ = ("_begun", "_client", "_finished", "_start_response", "bytes_sent", "scope", "status")

    def __init__(self, scope: RequestScope, client: str, start_response: StartResponse) -> None:
        self.scope = scope
        self.status = 500
        self.bytes_sent = 0
        self._client = client
        self._start_response = start_response
        self._finished = False
        self._begun = perf_counter()

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,  # noqa: ANN401 - PEP 3333's own type
    ) -> Callable[[bytes], object]:
        """Note the status, and add the ids to the headers."""
        self.status = int(status[:3])
        scope = self.scope
        scope.note_route()
        ours = [(TRACE_HEADER, scope.trace_hex), ("traceresponse", scope.traceresponse)]
        # Two arguments unless there is an exc_info: some servers' start_response takes no third.
        if exc_info:
            return self._start_response(status, headers + ours, exc_info)
        return self._start_response(status, headers + ours)

    def finish(self) -> None:
        """End the server span and write the access line, once. The request's context is the current one."""
        if self._finished:
            return
        self._finished = True
        milliseconds = (perf_counter() - self._begun) * 1000
        self.scope.telemetry.close(self.scope, status=self.status, body_size=self.bytes_sent)
        log_access(self.scope, Access(self.status, milliseconds, self.bytes_sent, self._client))
        self.scope.forget_error()


def _report_broken(scope: RequestScope, error: BaseException) -> None:
    """Report what ended a body half-way: Flask has left the request by then and tells nobody."""
    if scope.error is not None:
        return
    scope.error = error
    if isinstance(error, Exception):
        logger.error("Exception in the body of %s [%s]", scope.path, scope.method, exc_info=error)
        scope.telemetry.report(error)


class _Body:
    """The response's body: produced within the request's scope, finished at its end or when closed early."""

    def __init__(self, body: Iterable[bytes], exchange: _Exchange, variables: Context) -> None:
        self._body = body
        self._exchange = exchange
        self._variables = variables

    def __iter__(self) -> Iterator[bytes]:
        exchange, run = self._exchange, self._variables.run
        chunks = iter(self._body)
        while True:
            try:
                chunk = run(next, chunks, None)
            except BaseException as error:
                run(_report_broken, exchange.scope, error)
                raise
            if chunk is None:
                return
            exchange.bytes_sent += len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the wrapped body, then finish: the server calls this whether or not the body was read."""
        self._variables.run(self._close)

    def _close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.finish()
