"""Send responses without waiting for the client: what the kernel does not take is sent by the worker's main loop."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PIECE: Final = 256 * 1024


class ClientSocket(socket.socket):
    """A connection's socket, which never blocks.

    Of a response, `sendall` queues what the kernel does not take, and calls `on_backlog`: from then on `flush`, called
    by the main loop, sends. `aborted` says why the connection was cut off, as telemetry names it.
    """

    __slots__ = ("_backlog", "_changed", "_max_backlog", "aborted", "allow_waiting", "on_backlog", "unsent")

    def __init__(self, descriptor: int, max_backlog: int, allow_waiting: Callable[[], bool] = bool) -> None:
        super().__init__(fileno=descriptor)
        self.settimeout(0)
        self.aborted: str | None = None
        self.unsent = 0
        """Bytes in the backlog."""
        self.on_backlog: Callable[[], object] = _ignore
        self.allow_waiting = allow_waiting
        """Whether the calling thread may wait for this client: not too many do."""
        self._max_backlog = max_backlog
        self._backlog: deque[memoryview] = deque()
        self._changed = Condition()

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send or queue `data`. Raises `OSError` once the client is gone, or is too slow for a long response."""
        # Only the thread that serves the request fills the backlog: while it is empty, nobody else sends.
        if not self._backlog:
            try:
                sent = self.send(data, flags)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.aborted = "client_disconnected"
                raise
            rest = memoryview(data).cast("B")[sent:]
            if not rest:
                return
            with self._changed:
                # Both at once: the main loop may still be at the end of `flush`, and send this as well.
                self._backlog.append(rest)
                self.unsent += len(rest)
            self.on_backlog()
        else:
            self._queue(memoryview(data).cast("B"))

    def _queue(self, data: memoryview) -> None:
        with self._changed:
            if self.unsent > self._max_backlog and not self.aborted and not self.allow_waiting():
                self.aborted = "timeout"
            while self.unsent > self._max_backlog and not self.aborted:
                self._changed.wait()
            if self.aborted:
                raise BrokenPipeError(f"the response was cut off: {self.aborted}")
            was_empty = not self._backlog
            self._backlog.append(data)
            self.unsent += len(data)
        if was_empty:
            self.on_backlog()

    def flush(self) -> int:
        """Send of the backlog what the kernel takes, and return the bytes. Raises `OSError` if the client is gone."""
        total = 0
        try:
            while self._backlog:
                piece = self._backlog[0]
                sent = self.send(piece[:_PIECE])
                total += sent
                with self._changed:
                    self.unsent -= sent
                    if sent == len(piece):
                        self._backlog.popleft()
                    else:
                        self._backlog[0] = piece[sent:]
        except BlockingIOError:
            pass
        with self._changed:
            self._changed.notify_all()
        return total

    def abort(self, reason: str) -> None:
        """Make every further write of the handler's thread fail."""
        with self._changed:
            self.aborted = self.aborted or reason
            self._changed.notify_all()


def _ignore() -> None:
    """Do nothing: no loop flushes this socket."""
