"""The socket of a connection that an application serves itself, such as a WebSocket: it blocks, as libraries expect."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

    from flask_onetrace.server.client_socket import ClientSocket

_CHECK_MS: Final = 1000
"""How often a waiting thread looks whether the connection was cut off."""


class UpgradedSocket:
    """A blocking view of a client's socket, which itself never blocks.

    `take_received` returns what the main loop has received behind the request, and is called once the application reads
    the connection itself: one that ignores the `Upgrade` reads its body, and the next request follows. It waits on the
    request's thread: an application that takes over a connection keeps that thread as long as it serves it.
    """

    def __init__(self, client_socket: ClientSocket, take_received: Callable[[], bytes]) -> None:
        self._socket = client_socket
        self._take_received = take_received
        self._received = b""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Return what has arrived, up to `size` bytes, empty at the stream's end; wait until something has."""
        self._received += self._take_received()
        if self._received:
            data, self._received = self._received[:size], self._received[size:]
            return data
        while True:
            try:
                return self._socket.recv(size, flags)
            except BlockingIOError:
                self._wait_for(select.POLLIN)

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send `data`; wait as long as the client does not read."""
        rest = memoryview(data).cast("B")
        while rest:
            try:
                rest = rest[self._socket.send(rest, flags) :]
            except BlockingIOError:
                self._wait_for(select.POLLOUT)

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send all of `data`, as a blocking socket does, and return its length."""
        self.sendall(data, flags)
        return memoryview(data).nbytes

    def close(self) -> None:
        """End the connection; the server closes it, once the application has returned."""
        with contextlib.suppress(OSError):  # the client is gone
            self._socket.shutdown(socket.SHUT_RDWR)

    def _wait_for(self, event: int) -> None:
        poller = select.poll()
        poller.register(self._socket, event)
        while not poller.poll(_CHECK_MS):
            if self._socket.aborted is not None:
                raise BrokenPipeError(f"the connection was cut off: {self._socket.aborted}")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any other attribute of a socket
        return getattr(self._socket, name)
