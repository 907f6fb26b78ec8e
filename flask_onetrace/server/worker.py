"""A gthread worker whose main loop buffers requests and responses, so that few threads wait for slow clients."""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import wsgi
from gunicorn.http.errors import ConfigurationProblem
from gunicorn.workers.gthread import ThreadWorker
from werkzeug.exceptions import BadRequest, RequestTimeout

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH
from flask_onetrace.server.connection import Connection
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.loop import ClientLoop
from flask_onetrace.server.rejections import error_response, trace_id_of
from flask_onetrace.server.thread_usage import ThreadUsage
from flask_onetrace.server.upgraded_socket import UpgradedSocket

_RESERVED_DESCRIPTORS: Final = 128
"""Files and sockets of the process that are no client's."""
_INTERVAL: Final = 1.0
_CONNECTION_LENGTH: Final = len("Connection")
_STOPPING_INTERVAL: Final = 0.1
_CLIENT_ERRORS: Final = BadRequest | RequestTimeout
"""What a read of a request's body raises."""


class BufferingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Hand a request to a thread once it is complete, and finish its response in the main loop.

    It replaces gthread's main loop and its threads' part, and keeps gunicorn's parser and responses. It serves HTTP/1
    without TLS, as behind a load balancer. gunicorn's settings for other protocols, its access log and its hooks for
    requests have no effect.
    """

    alive: bool
    limits = Limits()
    health_check_paths = frozenset({RUNTIME_HEALTH_CHECK_PATH})
    """Paths that are served while every thread is busy."""
    drain_seconds: float | None = None
    """Seconds in which requests may end once the worker stops; `graceful_timeout` by default."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:  # noqa: ANN401 - gunicorn's types
        """Raise `RuntimeError` if TLS is configured."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("this worker serves plain HTTP: unset `certfile` and `keyfile`, terminate TLS before it")

    @property
    def open_connections(self) -> int:
        """The number of open client connections."""
        loop: ClientLoop | None = getattr(self, "_clients", None)
        return loop.acceptor.connections if loop is not None else 0

    def _max_content_length(self) -> int | None:
        """Return the application's `MAX_CONTENT_LENGTH` in bytes (Flask's configuration); None without a limit."""
        config = getattr(self.wsgi, "config", None)
        longest = config.get("MAX_CONTENT_LENGTH") if isinstance(config, dict) else None
        return longest if isinstance(longest, int) else None

    def thread_usage(self) -> dict[str, float]:
        """Return how many threads are busy, and how many requests are queued for one."""
        return self._usage.current()

    def run(self) -> None:
        """Serve until the worker is told to stop, then drain its connections within `drain_seconds`."""
        clients = self._clients = ClientLoop(
            self.cfg,
            self.limits,
            poller=self.poller,
            max_connections=_raise_descriptor_limit(self.cfg.worker_connections),
            max_content_length=self._max_content_length,
            serve=self._submit,
            defer=self.method_queue.defer,
            set_accept_enabled=self.set_accept_enabled,
        )
        self._threads: int = self.cfg.threads
        self._usage = ThreadUsage(self._threads, clients.served)
        self._health_check_pool = ThreadPoolExecutor(1, "health-check")
        self.poller.register(self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks)
        for listener in self.sockets:
            # Inherited by its connections.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.limits.send_buffer_bytes)
        clients.acceptor.resume()
        while self.alive and self.is_parent_alive():
            self._dispatch_until(time.monotonic() + _INTERVAL)
        self.alive = False
        clients.stop()
        drain_seconds = self.cfg.graceful_timeout if self.drain_seconds is None else self.drain_seconds
        deadline = time.monotonic() + drain_seconds
        while clients.acceptor.connections > 0 and (now := time.monotonic()) < deadline:
            self._dispatch_until(min(deadline, now + _STOPPING_INTERVAL))
        for pool in (self.tpool, self._health_check_pool):
            pool.shutdown(wait=False, cancel_futures=True)
        clients.reject_unstarted()
        clients.rejections.report(now=True)

    def accept(self, listener: socket.socket) -> None:
        """Accept new connections."""
        self._clients.accept(listener)

    def _dispatch_until(self, end: float) -> None:
        """Dispatch events until `end`, or until the worker is told to stop; then check the deadlines."""
        self.notify()
        was_alive = self.alive
        while self.alive is was_alive and (seconds := end - time.monotonic()) > 0:
            self.wait_for_and_dispatch_events(seconds)
        self._clients.enforce_deadlines()
        self._usage.report()

    def _submit(self, connection: Connection) -> None:
        """Have a thread serve a request. While all are busy, health checks are served by a thread of their own."""
        if len(self._clients.served) <= self._threads:
            self.tpool.submit(self._serve, connection)
        elif connection.request.path in self.health_check_paths:
            self._health_check_pool.submit(self._serve, connection)
        else:
            self._usage.enqueue(connection)
            self.tpool.submit(self._serve_queued, connection)

    # On a thread.

    def _serve_queued(self, connection: Connection) -> None:
        self._usage.begin(connection)
        self._serve(connection)

    def _serve(self, connection: Connection) -> None:
        keep = False
        connection.has_begun = True
        try:
            keep = self.handle_request(connection.request, connection)
        except BaseException as error:  # noqa: BLE001 - no exception of a handler may end the worker
            # Else the access line says it.
            if connection.sock.aborted is None and not isinstance(error, _CLIENT_ERRORS):
                message = "%s in a request: see its access line and its error item"
                self.log.error(message, type(error).__name__)  # noqa: TRY400 - telemetry has reported it, without its secrets
        finally:
            self.method_queue.defer(self._clients.settle, connection, keep)

    def handle_request(self, request: Any, connection: Connection) -> bool:  # noqa: ANN401 - gunicorn's type
        """Call the app and write its response; return whether the connection can serve another request."""
        try:
            response, environ = wsgi.create(request, connection.sock, connection.client, connection.server, self.cfg)
        except ConfigurationProblem as error:  # the path is outside of SCRIPT_NAME's
            self.log.error("%s", error)  # noqa: TRY400 - its traceback says no more
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            connection.sock.sendall(error_response(status, status.description, method=request.method))
            return False
        connection.sock.response = response
        environ["wsgi.multithread"] = True
        if "HTTP_UPGRADE" in environ:  # the application may take over the connection
            environ["gunicorn.socket"] = UpgradedSocket(connection.sock, connection.unreader.take_buffered)
        self._count_request(response)
        try:
            body = self.wsgi(environ, partial(_start_response, response))
            try:
                for item in body:
                    response.write(item)
                response.close()
            finally:
                if hasattr(body, "close"):
                    body.close()
        except StopIteration:  # the application has served the connection itself, as with a WebSocket
            return False
        except BaseException as error:
            if not response.headers_sent:
                code = error.code if isinstance(error, _CLIENT_ERRORS) else None
                status = HTTPStatus(code or HTTPStatus.INTERNAL_SERVER_ERROR)
                message = error_response(status, status.description, trace_id_of(response), request.method)
                connection.sock.sendall(message)
            raise
        return not response.should_close() and connection.discard_body()

    def _count_request(self, response: Any) -> None:  # noqa: ANN401 - gunicorn's type
        """Count the request for `max_requests`, and close its connection after it if the worker stops."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        if not self.alive or not self.cfg.keepalive:
            response.force_close()


def _start_response(
    response: Any,  # noqa: ANN401 - gunicorn's type
    status: str,
    headers: list[tuple[str, str]],
    exc_info: Any = None,  # noqa: ANN401 - PEP 3333's own type
) -> Any:  # noqa: ANN401 - as above
    """Start a response; close the connection after one with `Connection: close`, a header that gunicorn drops."""
    for name, value in headers:
        if len(name) == _CONNECTION_LENGTH and name.lower() == "connection" and "close" in value.lower():
            response.force_close()
    return response.start_response(status, headers, exc_info)


def _raise_descriptor_limit(connections: int) -> int:
    """Raise `RLIMIT_NOFILE` for `connections` as far as the hard limit allows; return how many fit into it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _RESERVED_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit than the hard one
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - _RESERVED_DESCRIPTORS))
