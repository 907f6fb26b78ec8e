"""Take everything that the sinks are sent, and answer as shortly as may be: `python -m bench.overhead.sinkhole`.

It runs in a process of its own, so that its work is not counted.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Read the body, answer 200 with an empty object, keep the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer, written in two parts, waits 40 ms for an acknowledgement

    def do_POST(self) -> None:
        """Swallow one request."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def handle(self) -> None:
        """Serve one connection; a client that leaves is none of our business."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Listen on free ports of 127.0.0.1, print them as one line of JSON, and serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    threading.Thread(target=_swallow, args=(udp,), daemon=True).start()
    sys.stdout.write(json.dumps({"http": server.server_port, "udp": udp.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def _swallow(udp: socket.socket) -> None:
    while True:
        udp.recv(65_536)


if __name__ == "__main__":
    main()
