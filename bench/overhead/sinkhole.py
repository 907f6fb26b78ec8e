"""Receive everything that the sinks send, with the least possible work: `python -m bench.overhead.sinkhole`.

It runs in a process of its own, so that its CPU is not measured.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def running_sinkhole() -> Iterator[tuple[int, int]]:
    """Run the sinkhole in a process of its own; yield its ports, HTTP and UDP."""
    command = [sys.executable, "-m", "bench.overhead.sinkhole"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        assert process.stdout is not None  # noqa: S101 - a pipe, by the argument above
        assert process.stdin is not None  # noqa: S101 - the same
        ports = json.loads(process.stdout.readline())
        try:
            yield ports["http"], ports["udp"]
        finally:
            process.stdin.close()


class Handler(BaseHTTPRequestHandler):
    """Read the body, respond with 200 and an empty object, keep the connection."""

    body = b"{}"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise each response, written in two parts, waits 40 ms for an acknowledgement

    def do_POST(self) -> None:
        """Discard one request."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def handle(self) -> None:
        """Serve one connection until the client closes or resets it."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    """Listen on free ports of 127.0.0.1, print them as one line of JSON, and serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    threading.Thread(target=_discard, args=(udp,), daemon=True).start()
    sys.stdout.write(json.dumps({"http": server.server_port, "udp": udp.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def _discard(udp: socket.socket) -> None:
    while True:
        udp.recv(65_536)


if __name__ == "__main__":
    main()
