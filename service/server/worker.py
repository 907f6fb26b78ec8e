"""A gthread worker whose threads never wait for a slow client: its main loop receives requests and sends the rest."""

from __future__ import annotations

import contextlib
import errno
import resource
import selectors
import socket
import time
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import errors, wsgi
from gunicorn.workers.gthread import ThreadWorker

from service.contract import TRACE_ID_HEADER
from service.server.client_socket import ClientSocket
from service.server.connection import BODY_SECONDS, HEAD_SECONDS, Connection, Phase
from service.server.rejections import Rejections, error_response, status_of
from service.server.slots import Slots
from service.server.waiting import Waiting

_RECEIVE: Final = 64 * 1024
_ACCEPT_BATCH: Final = 64
"""New connections accepted before others get their turn."""
_LINGER_SECONDS: Final = 2.0
"""For a client to read its last response and close (RFC 9112, section 9.6)."""
_STOP_IDLE_SECONDS: Final = 2.0
"""For a request that a client may already be sending on a kept-alive connection when the worker stops."""
FLUSH_SECONDS: Final = 10.0
MIN_RATE: Final = 8 * 1024
"""A response may take `FLUSH_SECONDS`, and a second for each `MIN_RATE` bytes that the client has taken."""
_RESERVED_DESCRIPTORS: Final = 128
"""Files and sockets of the process that are no client's."""
_INTERVAL: Final = 1.0
_HOLDING_A_REQUEST: Final = frozenset({Phase.HEAD, Phase.BODY, Phase.FLUSH})
_RECEIVING: Final = frozenset({Phase.IDLE, Phase.HEAD, Phase.BODY})
_NO_DESCRIPTOR: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class BufferingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Hand a request to a thread once it is complete, and finish its response in the main loop.

    It replaces gthread's main loop and its thread's part, and keeps gunicorn's parser and responses. It serves HTTP/1
    without TLS, as behind a load balancer. Settings of gunicorn for other protocols, its access log and its hooks for
    requests have no effect.
    """

    alive: bool
    drain_seconds: float | None = None
    """How long requests may take to end once the worker stops; `graceful_timeout` by default."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:  # noqa: ANN401 - gunicorn's types
        """Reject TLS."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("this worker serves plain HTTP: unset `certfile` and `keyfile`, terminate TLS before it")

    def init_process(self) -> None:
        """Start serving."""
        self.slots = Slots(self.cfg.threads)
        self.waiting = Waiting()
        self.rejections = Rejections()
        self.worker_connections: int = _raise_descriptor_limit(self.cfg.worker_connections)
        super().init_process()

    def run(self) -> None:
        """Serve until the worker is told to stop, then end what has begun."""
        self.poller.register(self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks)
        self.set_accept_enabled(True)
        while self.alive and self._is_parent_alive():
            self._serve_until(time.monotonic() + _INTERVAL)
        self.set_accept_enabled(False)
        self.waiting.shorten(Phase.IDLE, time.monotonic() + _STOP_IDLE_SECONDS)
        drain_seconds = self.cfg.graceful_timeout if self.drain_seconds is None else self.drain_seconds
        deadline = time.monotonic() + drain_seconds
        while self.nr_conns > 0 and (now := time.monotonic()) < deadline:
            self._serve_until(min(deadline, now + 0.1))
        self.rejections.report(now=True)
        self.tpool.shutdown(wait=False, cancel_futures=True)

    def _is_parent_alive(self) -> bool:
        alive: bool = self.is_parent_alive()
        return alive

    def _serve_until(self, end: float) -> None:
        """Dispatch events until `end`, or until the worker is told to stop; then check the deadlines."""
        self.notify()
        alive = self.alive
        while (seconds := end - time.monotonic()) > 0:
            self.wait_for_and_dispatch_events(seconds)
            if self.alive is not alive or (not alive and self.nr_conns == 0):
                break
        self._enforce_deadlines()
        self.rejections.report()

    # Connections, on the main thread.

    def accept(self, listener: socket.socket) -> None:
        """Accept what is waiting, and receive what it has sent."""
        for _ in range(_ACCEPT_BATCH):
            try:
                accepted, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_DESCRIPTOR or not self._evict():
                    raise
                return
            if self.nr_conns >= self.worker_connections:
                self._evict()
            client = ClientSocket(accepted.detach())
            connection = Connection(self.cfg, client, address, listener.getsockname(), self.slots)
            client.allow_waiting = self.slots.acquire
            client.on_backlog = partial(self.method_queue.defer, self._begin_flush, connection)
            self.nr_conns += 1
            self._await_request(connection)
            self._on_readable(connection, client)

    def _await_request(self, connection: Connection) -> None:
        self.waiting.add(connection, Phase.IDLE, self.cfg.keepalive or _LINGER_SECONDS)
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_readable, connection))

    def _on_readable(self, connection: Connection, client: socket.socket) -> None:
        if connection.phase not in _RECEIVING:
            return  # closed while the events of this turn were dispatched
        try:
            data = client.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            self._close(connection)
            return
        self._receive(connection, data)

    def _receive(self, connection: Connection, data: bytes) -> None:
        """Go on with a registered connection: hand its request to a thread, reject it, or wait for more."""
        try:
            is_complete = connection.receive(data)
        except (errors.NoMoreData, StopIteration, OSError):
            self._close(connection)
        except errors.ParseException as error:
            self.rejections.add(f"malformed ({type(error).__name__})")
            # The message is for the client that sent it: a log line would show its headers.
            self._reject(connection, status_of(error), str(error))
        else:
            if is_complete:
                self.waiting.remove(connection)
                self.poller.unregister(connection.sock)
                self.tpool.submit(self._serve, connection)
            else:
                self._await_rest(connection)

    def _await_rest(self, connection: Connection) -> None:
        if connection.request is not None:
            if connection.phase is not Phase.BODY:
                self.waiting.add(connection, Phase.BODY, BODY_SECONDS)
        elif connection.phase is not Phase.HEAD:
            self.waiting.add(connection, Phase.HEAD, HEAD_SECONDS)
        self._keep_within_budget(connection)

    def _keep_within_budget(self, connection: Connection) -> None:
        """Count what a connection holds; evict those that have held bytes for longest while all hold too much."""
        while self.waiting.count_bytes(connection) and self._evict(holding_bytes=True):
            pass

    def _reject(self, connection: Connection, status: HTTPStatus, message: str) -> None:
        with contextlib.suppress(OSError):
            connection.sock.send(error_response(status, message))
        self.poller.unregister(connection.sock)
        self._linger(connection)

    def _linger(self, connection: Connection) -> None:
        """Half-close, and wait for the client to close: closing at once could lose it the end of its response."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        self.waiting.add(connection, Phase.LINGER, _LINGER_SECONDS)
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_lingering, connection))

    def _on_lingering(self, connection: Connection, client: socket.socket) -> None:
        if connection.phase is not Phase.LINGER:
            return
        try:
            data = client.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self.waiting.remove(connection)
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(connection.sock)
        connection.sock.close()
        self.nr_conns -= 1

    # Responses.

    def _serve(self, connection: Connection) -> None:
        """Serve a request, on a thread."""
        keep = False
        try:
            keep = self.handle_request(connection.request, connection)
        except BaseException:  # no exception of a handler may end the worker
            if connection.sock.aborted is None:  # else the access line says it
                self.log.exception("Error handling request %s", connection.request.path)
        finally:
            self.slots.release()
            self.method_queue.defer(self._settle, connection, keep)

    def handle_request(self, request: Any, connection: Connection) -> bool:  # noqa: ANN401 - gunicorn's type
        """Call the app and write its response; return whether the connection can serve another request."""
        response, environ = wsgi.create(request, connection.sock, connection.client, connection.server, self.cfg)
        environ["wsgi.multithread"] = True
        self._count_request(response)
        try:
            body = self.wsgi(environ, response.start_response)
            try:
                for item in body:
                    response.write(item)
                response.close()
            finally:
                if hasattr(body, "close"):
                    body.close()
        except BaseException:
            if not response.headers_sent:
                trace_id = next((value for name, value in response.headers if name == TRACE_ID_HEADER), None)
                message = HTTPStatus.INTERNAL_SERVER_ERROR.description
                connection.sock.sendall(error_response(HTTPStatus.INTERNAL_SERVER_ERROR, message, trace_id))
            raise
        return not response.should_close() and connection.discard_body()

    def _count_request(self, response: Any) -> None:  # noqa: ANN401 - gunicorn's type
        """Announce the connection's end where it is one: the worker stops, or keeps enough connections."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        if not self.alive or not self.cfg.keepalive:
            response.force_close()

    def _settle(self, connection: Connection, keep: bool) -> None:  # noqa: FBT001 - a callback of the method queue
        """Take a connection back from a thread."""
        if connection.phase is Phase.FLUSH:
            connection.keep_after_flush = keep
        elif connection.sock.aborted is not None:
            self._close(connection)
        else:
            self._end_response(connection, keep=keep)

    def _end_response(self, connection: Connection, *, keep: bool) -> None:
        if not keep:
            self._linger(connection)
            return
        rest = connection.next_request()
        self._await_request(connection)
        if not self.alive:
            connection.deadline = min(connection.deadline, time.monotonic() + _STOP_IDLE_SECONDS)
        if rest:
            self._receive(connection, rest)

    def _begin_flush(self, connection: Connection) -> None:
        """Send what the client was too slow to take."""
        if connection.phase is None and connection.sock.unsent:
            connection.sent = 0
            self.waiting.add(connection, Phase.FLUSH, FLUSH_SECONDS)
            self.poller.register(connection.sock, selectors.EVENT_WRITE, partial(self._on_writable, connection))
            self._keep_within_budget(connection)

    def _on_writable(self, connection: Connection, client: ClientSocket) -> None:
        if connection.phase is not Phase.FLUSH:
            return
        try:
            connection.sent += client.flush()
        except OSError:
            self._cut_off(connection, "client_disconnected")
            return
        connection.deadline = connection.since + FLUSH_SECONDS + connection.sent / MIN_RATE
        if client.unsent:
            self._keep_within_budget(connection)
            return
        self.poller.unregister(client)
        self.waiting.remove(connection)
        if connection.keep_after_flush is not None:
            self._end_response(connection, keep=connection.keep_after_flush)

    # Deadlines.

    def _enforce_deadlines(self) -> None:
        for connection in self.waiting.expired(time.monotonic()):
            self._expire(connection)

    def _expire(self, connection: Connection) -> None:
        phase = connection.phase
        if phase is Phase.FLUSH:
            self.rejections.add("response not read in time")
            self._cut_off(connection, "timeout")
        elif phase is Phase.HEAD or phase is Phase.BODY:
            self.rejections.add(f"{phase.value} not sent in time")
            seconds = HEAD_SECONDS if phase is Phase.HEAD else BODY_SECONDS
            message = f"the request's {phase.value} took longer than {seconds:g} s"
            self._reject(connection, HTTPStatus.REQUEST_TIMEOUT, message)
        else:
            self._close(connection)

    def _evict(self, *, holding_bytes: bool = False) -> bool:
        """Close the connection that has waited longest for its client; return whether there is one."""
        connection = self.waiting.oldest(holding_bytes=holding_bytes)
        if connection is None:
            return False
        if connection.phase in _HOLDING_A_REQUEST:
            self.rejections.add("evicted: too many wait, or hold too much")
        if connection.phase is Phase.FLUSH:
            self._cut_off(connection, "timeout")
        else:
            self._close(connection)
        return True

    def _cut_off(self, connection: Connection, reason: str) -> None:
        """End a response that the client does not read. A thread that still writes it finds out at its next write."""
        connection.sock.abort(reason)
        self.poller.unregister(connection.sock)
        self.waiting.remove(connection)
        if connection.keep_after_flush is not None:
            self._close(connection)


def _raise_descriptor_limit(connections: int) -> int:
    """Have the process hold `connections` if it may; return how many it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _RESERVED_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return connections if soft == resource.RLIM_INFINITY else max(1, soft - _RESERVED_DESCRIPTORS)
