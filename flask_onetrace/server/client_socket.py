"""Send responses without waiting for the client: what the kernel does not take is sent by the worker's main loop."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import TYPE_CHECKING, Any, Final

from flask_onetrace.server.limits import Limits
from flask_onetrace.server.temporary_file import Storage, TemporaryFile

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PIECE: Final = 64 * 1024
"""Bytes of one `send`, and of one read or write of the temporary file."""
_SHORT: Final = 4 * 1024
"""Bytes of a piece in memory to which further writes are joined."""
_SCARCE_BACKLOG: Final = 64 * 1024
"""Bytes of a backlog in memory while memory is scarce."""


class ClientSocket(socket.socket):
    """A client's non-blocking socket with a backlog of response bytes.

    `sendall`, called by the request's thread, sends what the kernel accepts, queues the rest in the backlog and calls
    `on_backlog`. The main loop then calls `flush` until the backlog is empty.
    """

    __slots__ = ("_backlog", "_changed", "_limits", "_storage", "aborted", "file", "on_backlog", "response", "unsent")

    def __init__(self, descriptor: int, limits: Limits, storage: Storage) -> None:
        super().__init__(fileno=descriptor)
        self.settimeout(0)
        self.aborted: str | None = None
        """Why the connection was aborted, as the access line's field `aborted` has it; None if it was not."""
        self.unsent = 0
        """Bytes in the backlog, or that were in it when it was dropped."""
        self.on_backlog: Callable[[], object] = _ignore
        self.response: Any = None
        """gunicorn's response, which knows whether it has a length."""
        self._limits = limits
        self._storage = storage
        self._backlog: deque[memoryview] = deque()
        """The next pieces to send. It is empty only if `file` is empty too."""
        self.file: TemporaryFile | None = None
        """What follows the backlog's pieces, if memory has no room for it."""
        self._changed = Condition()

    @property
    def unsent_in_memory(self) -> int:
        """Bytes of the backlog that are in memory."""
        file = self.file
        return self.unsent - (file.unread if file is not None else 0)

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send or queue `data`. Raises `OSError` once the client is gone, or is too slow for a long response."""
        # Only this thread fills the backlog, and the main loop sends nothing while it is empty.
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
            self._queue(rest)
        else:
            self._queue(memoryview(data).cast("B"))

    def _queue(self, data: memoryview) -> None:
        while data:
            with self._changed:
                size = self._store(data)
                was_empty = self.unsent == 0  # by now: while this waited for room, all may have been sent
                self.unsent += size
            data = data[size:]
            if was_empty:
                self.on_backlog()

    def _store(self, data: memoryview) -> int:
        """Add the start of `data` to the backlog, and return its length in bytes; block while memory and file are full.

        The main loop ends the wait by `flush`, or by `abort` if the client falls behind the minimum rate. Raises
        `BrokenPipeError` once the response is aborted.
        """
        while not self.aborted:
            room = _SCARCE_BACKLOG if self._storage.is_memory_scarce else self._limits.backlog_bytes
            room -= self.unsent
            if self.file is None and room > 0:
                self._append(data[:room])
                return min(room, len(data))
            if (size := self._store_in_file(data)) > 0:
                return size
            self._changed.wait()
        raise BrokenPipeError(f"the response was cut off: {self.aborted}")

    def _append(self, data: memoryview) -> None:
        """Add a copy of `data`: a view would keep all of what the handler has written.

        Short writes are joined, as an object for each would take many times its bytes; not with the first piece, which
        the main loop may be sending.
        """
        backlog = self._backlog
        if len(backlog) > 1 and len(backlog[-1]) + len(data) <= _SHORT:
            backlog[-1] = memoryview(b"".join((backlog[-1], data)))
        else:
            backlog.append(memoryview(bytes(data)))

    def _store_in_file(self, data: memoryview) -> int:
        if self.file is None:
            is_stream = self.response is None or self.response.response_length is None
            limits = self._limits
            self.file = TemporaryFile(self._storage, limits.stream_bytes if is_stream else limits.file_bytes)
        piece = data[:_PIECE]
        if self.file.append(piece):
            return len(piece)
        if not self.file.unread:
            self.file = None
        return 0

    def flush(self) -> int:
        """Send what the kernel accepts of the backlog; return the bytes. Raises `OSError` if the client is gone."""
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
                        self._refill()
                    else:
                        self._backlog[0] = piece[sent:]
        except BlockingIOError:
            pass
        with self._changed:
            self._changed.notify_all()
        return total

    def _refill(self) -> None:
        if self.file is not None and not self._backlog:
            self._backlog.append(memoryview(self.file.read(_PIECE)))
            if not self.file.unread:
                self.file = None

    def abort(self, reason: str) -> None:
        """Drop the backlog, and have each further write of the request's thread raise `BrokenPipeError`."""
        with self._changed:
            self.aborted = self.aborted or reason
            self.drop_backlog()
            self._changed.notify_all()

    def drop_backlog(self) -> None:
        """Free the memory and the file of the backlog."""
        self._backlog.clear()
        if self.file is not None:
            self.file.close()
            self.file = None


def _ignore() -> None:
    """Do nothing: no loop flushes this socket."""
