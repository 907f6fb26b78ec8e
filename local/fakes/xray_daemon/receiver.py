"""Listen for segments before all else: what arrives while the rest is imported waits in the socket."""

from __future__ import annotations

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024


def listen(port: int) -> socket.socket:
    """Return a UDP socket that listens on `port`. Raises `OSError` when it is in use."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    try:
        receiver.bind((LOOPBACK, port))
    except OSError:
        receiver.close()
        raise
    return receiver
