"""Open one scope per request at the WSGI boundary, and finish it after the last byte of the body."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, detach

from service.telemetry.ids import span_hex
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
        exchange = _Exchange(scope, environ)
        # Not a context manager: this and the one around the body's end are on every request's path.
        token = attach(scope.context)
        try:
            body = self._app(environ, exchange.starting(start_response))
        except BaseException as error:
            scope.error = scope.error or error
            exchange.finish()
            raise
        finally:
            detach(token)
        return _Body(body, exchange)


class _Exchange:
    """What the access line needs, gathered while the response goes out."""

    __slots__ = ("_environ", "_finished", "_scope", "_start", "bytes_sent", "status")

    def __init__(self, scope: RequestScope, environ: WSGIEnvironment) -> None:
        self._scope = scope
        self._environ = environ
        self._start = perf_counter()
        self._finished = False
        self.status = 500
        self.bytes_sent = 0

    @property
    def scope(self) -> RequestScope:
        return self._scope

    def starting(self, start_response: StartResponse) -> StartResponse:
        """Return a `start_response` that notes the status and adds the ids to the headers."""

        def start(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: Any = None,  # noqa: ANN401 - PEP 3333's own type
        ) -> Callable[[bytes], object]:
            self.status = int(status[:3])
            ours = [(TRACE_HEADER, self._scope.trace_hex), ("traceresponse", self._traceresponse())]
            # Two arguments unless there is an exc_info: some servers' start_response takes no third.
            return (
                start_response(status, headers + ours, exc_info) if exc_info else start_response(status, headers + ours)
            )

        return start

    def _traceresponse(self) -> str:
        """Return the header of W3C "Trace Context Level 2", `00-<trace id>-<span id>-<flags>`."""
        context = self._scope.span.get_span_context()
        return f"00-{self._scope.trace_hex}-{span_hex(context.span_id)}-{context.trace_flags:02x}"

    def finish(self) -> None:
        """End the server span and write the access line, once."""
        if self._finished:
            return
        self._finished = True
        scope = self._scope
        milliseconds = (perf_counter() - self._start) * 1000
        scope.telemetry.close(scope, status=self.status, body_size=self.bytes_sent)
        log_access(
            scope,
            Access(
                status=self.status,
                duration_ms=milliseconds,
                bytes_sent=self.bytes_sent,
                client_address=client_address(self._environ),
            ),
        )


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

    def __init__(self, body: Iterable[bytes], exchange: _Exchange) -> None:
        self._body = body
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        exchange = self._exchange
        for chunk in _within(exchange.scope, self._body) if exchange.scope.streamed else self._body:
            exchange.bytes_sent += len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the wrapped body, then finish: the server calls this whether or not the body was read."""
        token = attach(self._exchange.scope.context)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.finish()
            detach(token)


def _within(scope: RequestScope, body: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks of `body`, each made within the request's context."""
    chunks = iter(body)
    while True:
        token = attach(scope.context)
        try:
            chunk = next(chunks)
        except StopIteration:
            return
        except BaseException as error:
            _report_broken(scope, error)
            raise
        finally:
            detach(token)
        yield chunk
