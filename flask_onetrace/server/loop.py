"""Receive the requests of a worker's clients and send what is left of their responses, in one non-blocking loop."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from flask_onetrace.server.acceptor import Acceptor
from flask_onetrace.server.client_socket import ClientSocket
from flask_onetrace.server.connection import BUFFERING_PHASES, RECEIVING_PHASES, Connection, Phase
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.rejections import OVERLOADED, Rejections, error_response, log_cut_off, status_and_message
from flask_onetrace.server.request_body import StorageFullError
from flask_onetrace.server.temporary_file import Storage
from flask_onetrace.server.waiting import WaitingConnections

_RECEIVE: Final = 64 * 1024


class ClientLoop:
    """The connections of a worker. Its methods run on the main thread.

    `serve` hands a connection with a complete request to a thread, which returns it by `settle`. A body that is longer
    than `Limits.body_bytes`, or than `max_content_length()`, is streamed to the thread instead, as the application may
    answer without reading it; at most half of the threads are used so, and the loop receives further ones. `defer`
    calls a function on the main thread. `set_accept_enabled` turns the listeners on and off.
    """

    def __init__(
        self,
        cfg: Any,  # noqa: ANN401 - gunicorn's type
        limits: Limits,
        *,
        poller: selectors.BaseSelector,
        max_connections: int,
        max_content_length: Callable[[], int | None],
        serve: Callable[[Connection], object],
        defer: Callable[..., object],
        set_accept_enabled: Callable[[bool], object],
    ) -> None:
        self.rejections = Rejections()
        self.acceptor = Acceptor(
            max_connections, set_accept_enabled=set_accept_enabled, evict=self._evict, report=self.rejections.add
        )
        self._cfg = cfg
        self._limits = limits
        self._poller = poller
        self._max_content_length = max_content_length
        self._serve = serve
        self._defer = defer
        self._storage = Storage(limits.files_bytes)
        self._waiting = WaitingConnections(limits.max_buffered_bytes, self._storage)
        self.served = self._waiting.served
        self._streaming: set[Connection] = set()
        """The connections whose threads receive the rest of the body."""
        self._idle_until = float("inf")

    def accept(self, listener: socket.socket) -> None:
        """Accept the pending connections of `listener`, and receive what their clients have sent."""
        self.acceptor.accept(listener, partial(self._admit, listener.getsockname()))

    def _admit(self, server: Any, accepted: socket.socket, address: Any) -> None:  # noqa: ANN401 - an address's type depends on its family
        client = ClientSocket(accepted.detach(), self._limits, self._storage)
        connection = Connection(self._cfg, client, (address, server), limits=self._limits, storage=self._storage)
        client.on_backlog = partial(self._defer, self._begin_flush, connection)
        self._await_request(connection)
        self._on_readable(connection, client)

    def stop(self) -> None:
        """Stop accepting, and close idle connections within `Limits.stop_idle_seconds`."""
        self.acceptor.stop()
        self._idle_until = time.monotonic() + self._limits.stop_idle_seconds
        self._waiting.shorten(Phase.IDLE, self._idle_until)

    def reject_unstarted(self) -> None:
        """Answer 503 to the requests that no thread has begun to serve when the worker's time to stop is over."""
        for connection in self.served:
            if not connection.has_begun:
                self.rejections.add("not begun before the worker stopped")
                with contextlib.suppress(OSError):
                    connection.sock.send(error_response(*OVERLOADED))

    def enforce_deadlines(self) -> None:
        """Reject or close the connections whose deadline has passed, and log how many once a minute."""
        for connection in self._waiting.expired(time.monotonic()):
            self._expire(connection)
        while self._storage.is_exhausted and self._evict(_has_file):
            pass
        self.acceptor.retry()
        self.rejections.report()

    def settle(self, connection: Connection, keep: bool) -> None:  # noqa: FBT001 - a callback of gunicorn's method queue
        """Take a connection back from its thread; `keep` says whether it may serve another request."""
        self._waiting.end_serving(connection)
        self._streaming.discard(connection)
        if connection.phase is Phase.FLUSH:
            connection.keep_after_flush = keep
        elif connection.sock.aborted is not None:
            self._close(connection)
        else:
            self._end_response(connection, keep=keep)

    def _await_request(self, connection: Connection) -> None:
        self._waiting.add(connection, Phase.IDLE, self._cfg.keepalive or self._limits.stop_idle_seconds)
        connection.deadline = min(connection.deadline, self._idle_until)
        self._poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_readable, connection))

    def _on_readable(self, connection: Connection, client: socket.socket) -> None:
        if connection.phase in RECEIVING_PHASES:  # else closed while the events of this turn were dispatched
            data = self._read(connection, client)
            if data is not None:
                self._receive(connection, data)

    def _read(self, connection: Connection, client: socket.socket) -> bytes | None:
        """Return what has arrived, empty at the stream's end; None if nothing has, or the client is gone."""
        try:
            return client.recv(_RECEIVE)
        except BlockingIOError:
            pass
        except OSError:
            if connection.phase is Phase.BODY:
                # As after an orderly close: the request is served, so that its access line has `aborted`.
                connection.sock.aborted = "client_disconnected"
                return b""
            self._close(connection)
        return None

    def _receive(self, connection: Connection, data: bytes) -> None:
        """Process the next bytes of a registered connection: serve its request, reject it, or wait for more."""
        try:
            is_complete = connection.receive(data)
        except (StopIteration, OSError):  # gunicorn's `NoMoreData` among the latter
            self._close(connection)
        except StorageFullError:
            self._on_storage_full(connection, data)
        except Exception as error:  # noqa: BLE001 - no client's bytes may end the main loop
            self.rejections.add(f"malformed ({type(error).__name__})")
            self._reject(connection, *status_and_message(error))
        else:
            if is_complete:
                self._dispatch(connection)
            else:
                self._await_rest(connection)

    def _on_storage_full(self, connection: Connection, data: bytes) -> None:
        """Evict another connection for the bytes of a body; else stream it to a thread, or reject it."""
        if self._storage.is_exhausted and self._evict(_has_file):
            if connection.phase is Phase.BODY:  # else it has evicted itself
                self._receive(connection, data)
        elif self._may_stream():
            self._stream_to_thread(connection, data)
        else:
            self.rejections.add("no room for its body")
            self._reject(connection, *OVERLOADED)

    def _may_stream(self) -> bool:
        half: int = max(1, self._cfg.threads // 2)
        return len(self._streaming) < half

    def _stream_to_thread(self, connection: Connection, data: bytes = b"") -> None:
        connection.stream_rest(data)
        self._streaming.add(connection)
        self._dispatch(connection)

    def _dispatch(self, connection: Connection) -> None:
        """Hand a request to a thread, or reject it if the requests being served exceed the memory limit."""
        self._waiting.remove(connection)
        while not self._waiting.begin_serving(connection):
            if not self._evict(_holds_memory):
                self.rejections.add("too many wait for a thread, or hold too much")
                self._streaming.discard(connection)
                self._reject(connection, *OVERLOADED)
                return
        self._poller.unregister(connection.sock)
        self._serve(connection)

    def _await_rest(self, connection: Connection) -> None:
        if connection.request is None:
            if connection.phase is not Phase.HEAD:
                self._waiting.add(connection, Phase.HEAD, self._limits.head_seconds)
        elif self._is_large(connection) and self._may_stream():
            self._stream_to_thread(connection)
            return
        elif connection.phase is not Phase.BODY:
            connection.send_continue()
            self._waiting.add(connection, Phase.BODY, self._limits.body_seconds)
        else:
            self._extend(connection, self._limits.body_seconds)
        self._enforce_memory_limit(connection)

    def _extend(self, connection: Connection, seconds: float) -> None:
        """Extend the deadline of a connection whose client has just made progress."""
        since, transferred = connection.since, connection.transferred
        connection.deadline = self._limits.next_deadline(since, transferred, seconds)

    def _is_large(self, connection: Connection) -> bool:
        longest = self._max_content_length()
        body_bytes = self._limits.body_bytes
        return connection.is_longer_than(body_bytes if longest is None else min(longest, body_bytes))

    def _reject(self, connection: Connection, status: HTTPStatus, message: str) -> None:
        with contextlib.suppress(OSError):
            connection.sock.send(error_response(status, message))
        self._poller.unregister(connection.sock)
        self._waiting.remove(connection)
        connection.free()
        self._linger(connection)

    def _begin_flush(self, connection: Connection) -> None:
        """Wait for the socket to be writable, and send the backlog then."""
        if connection.phase is None and connection.sock.unsent and connection.sock.aborted is None:
            self._waiting.add(connection, Phase.FLUSH, self._limits.flush_seconds)
            connection.transferred = 0
            self._poller.register(connection.sock, selectors.EVENT_WRITE, partial(self._on_writable, connection))
            self._enforce_memory_limit(connection)

    def _on_writable(self, connection: Connection, client: ClientSocket) -> None:
        if connection.phase is not Phase.FLUSH:
            return
        try:
            connection.transferred += client.flush()
        except OSError:
            self._cut_off(connection, "client_disconnected")
            return
        self._extend(connection, self._limits.flush_seconds)
        if client.unsent:
            self._enforce_memory_limit(connection)
            return
        self._poller.unregister(client)
        self._waiting.remove(connection)
        if connection.keep_after_flush is not None:
            self._end_response(connection, keep=connection.keep_after_flush)

    def _end_response(self, connection: Connection, *, keep: bool) -> None:
        if not keep:
            self._linger(connection)
            return
        rest = connection.next_request()
        self._await_request(connection)
        if rest:
            self._receive(connection, rest)  # a pipelined request

    def _linger(self, connection: Connection) -> None:
        """Half-close, and wait for the client to close: a reset would discard response bytes that it has not read."""
        unreader = connection.unreader
        if unreader.pieces or unreader.file is not None:
            unreader.drop()
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        self._waiting.add(connection, Phase.LINGER, self._limits.linger_seconds)
        connection.transferred = 0
        self._poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_lingering, connection))

    def _on_lingering(self, connection: Connection, client: socket.socket) -> None:
        if connection.phase is Phase.LINGER:
            data = self._read(connection, client)
            if data == b"":
                self._close(connection)
            elif data is not None:
                # Discarded: many clients read no response before they have sent the whole body.
                connection.transferred += len(data)
                self._extend(connection, self._limits.linger_seconds)

    def _close(self, connection: Connection) -> None:
        if connection.sock.fileno() < 0:
            return
        phase = connection.phase
        if phase is not None:  # else the poller does not know it
            self._poller.unregister(connection.sock)
            self._waiting.remove(connection)
        if phase is not Phase.LINGER:
            connection.free()
        connection.sock.close()
        self.acceptor.closed()

    def _cut_off(self, connection: Connection, reason: str) -> None:
        """Abort a response that the client does not read. The next write of a thread that still sends it raises."""
        connection.sock.abort(reason)
        self._poller.unregister(connection.sock)
        self._waiting.remove(connection)
        if connection.keep_after_flush is not None:
            log_cut_off(connection.sock.response, reason, connection.sock.unsent)
            self._close(connection)

    def _expire(self, connection: Connection) -> None:
        phase = connection.phase
        if phase is Phase.FLUSH:
            self.rejections.add("response not read in time")
            self._cut_off(connection, "timeout")
        elif phase is Phase.HEAD or phase is Phase.BODY:
            self.rejections.add(f"{phase.value} not sent in time")
            self._reject(connection, HTTPStatus.REQUEST_TIMEOUT, f"the request's {phase.value} took too long")
        else:
            self._close(connection)

    def _enforce_memory_limit(self, connection: Connection) -> None:
        """Update the connection's memory use; evict the longest-waiting ones while the total exceeds the limit."""
        while self._waiting.count_bytes(connection) and self._evict(_holds_memory):
            pass

    def _evict(self, holds: Callable[[Connection], bool] | None = None) -> bool:
        """Evict the connection that has waited longest, of those for which `holds` is true; return whether one was."""
        connection = self._waiting.oldest(holds)
        min_wait = self._limits.min_wait_seconds if holds is None else 0.0
        if connection is None or time.monotonic() - connection.since < min_wait:
            return False
        if connection.phase in BUFFERING_PHASES:
            self.rejections.add("evicted: too many wait, or hold too much")
        if connection.phase is Phase.FLUSH:
            self._cut_off(connection, "timeout")
        elif holds is not None:
            self._reject(connection, *OVERLOADED)
        else:
            self._close(connection)
        return True


def _holds_memory(connection: Connection) -> bool:
    return connection.received > 0 or connection.sock.unsent_in_memory > 0


def _has_file(connection: Connection) -> bool:
    return connection.has_file
