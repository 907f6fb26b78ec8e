"""Print the p99 in milliseconds of one request after the other: `python -m bench.parts.lone_client PORT COUNT`."""

from __future__ import annotations

import socket
import sys
import time

_PAUSE = 0.001
"""Seconds between two requests, so that they meet the encoder at any point of its work."""


def main() -> None:
    """Measure each exchange."""
    port, count = map(int, sys.argv[1:])
    seconds = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            start = time.perf_counter()
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.recv(1024)
            seconds.append(time.perf_counter() - start)
            time.sleep(_PAUSE)
    seconds.sort()
    sys.stdout.write(f"{seconds[min(count - 1, int(count * 0.99))] * 1000}\n")


if __name__ == "__main__":
    main()
