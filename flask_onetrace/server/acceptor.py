"""Accept connections, as many as a worker may have."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any, Final

_BATCH: Final = 64
"""New connections accepted before others get their turn."""
_NO_DESCRIPTOR: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Acceptor:
    """Counts open connections. With too many, `evict` closes one; where it finds none, no more are accepted for now."""

    def __init__(
        self,
        max_connections: int,
        *,
        set_accept_enabled: Callable[[bool], object],
        evict: Callable[[], bool],
        report: Callable[[str], object],
    ) -> None:
        self.connections = 0  # that are open
        self._max_connections = max_connections
        self._set_accept_enabled = set_accept_enabled
        self._evict = evict
        self._report = report
        self._is_accepting = False
        self._is_stopping = False

    def accept(self, listener: socket.socket, admit: Callable[[socket.socket, Any], object]) -> None:
        """Hand what is waiting to `admit`, as socket and address."""
        for _ in range(_BATCH):
            try:
                accepted, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # also errors of the network (accept(2)): none may end the worker
                self._report(f"connections not accepted: {error.strerror}")
                if error.errno not in _NO_DESCRIPTOR or not self._evict():
                    self._pause()
                return
            self.connections += 1
            admit(accepted, address)
            if self.connections >= self._max_connections and not self._evict():
                self._pause()
                return

    def closed(self) -> None:
        """Note that a connection was closed."""
        self.connections -= 1
        self.resume()

    def resume(self) -> None:
        """Accept connections, if there is room."""
        if not self._is_accepting and not self._is_stopping and self.connections < self._max_connections:
            self._is_accepting = True
            self._set_accept_enabled(self._is_accepting)

    def retry(self) -> None:
        """Accept connections again, where one has ended or waited for too long by now."""
        if not self._is_accepting and not self._is_stopping:
            if self.connections >= self._max_connections:
                self._evict()
            self.resume()

    def stop(self) -> None:
        """Accept no more."""
        self._is_stopping = True
        self._pause()

    def _pause(self) -> None:
        if self._is_accepting:
            self._is_accepting = False
            self._set_accept_enabled(self._is_accepting)
