"""Receive X-Ray segments by UDP, as the daemon does."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress

_RECEIVE_BUFFER = 4 * 1024 * 1024
_POLL_INTERVAL = 0.1


class FakeDaemon:
    """The X-Ray daemon's UDP port; `received` counts segments without subsegments sent apart.

    With `keeps_bodies`, `datagrams` holds all of them.
    """

    def __init__(self, port: int, *, keeps_bodies: bool = False) -> None:
        self.received = 0
        self.datagrams: list[bytes] | None = [] if keeps_bodies else None
        self.port = port
        self._closed = threading.Event()
        self._thread = threading.Thread()
        self.start()

    def start(self) -> None:
        """Open the port. Raises `OSError` if it is in use."""
        port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            port.bind(("127.0.0.1", self.port))
        except OSError:
            port.close()
            raise
        port.settimeout(_POLL_INTERVAL)
        self._closed.clear()
        self._thread = threading.Thread(target=self._receive, args=(port,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port, as a killed daemon does: unread datagrams are lost."""
        if self._thread.is_alive():
            self._closed.set()
            self._thread.join()

    close = stop

    def _receive(self, port: socket.socket) -> None:
        with port:
            while not self._closed.is_set():
                with suppress(TimeoutError):
                    datagram = port.recv(65_536)
                    if self.datagrams is not None:
                        self.datagrams.append(datagram)
                    document = json.loads(datagram.partition(b"\n")[2])
                    self.received += document.get("type") != "subsegment"
