"""Receive what both sides send, in the process that starts them, which is not measured."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from bench.overhead.sinkhole import Handler
from bench.parts.clock import Ports


class _Handler(Handler):
    """Respond as an X-Ray daemon without rules: no other client reads the body."""

    body = b'{"SamplingRuleRecords":[]}'


@contextmanager
def running_receiver() -> Iterator[Ports]:
    """Yield the ports of an HTTP server, and of a UDP socket that is never read."""
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        server.daemon_threads = True
        udp.bind(("127.0.0.1", 0))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Ports(server.server_port, udp.getsockname()[1])
        finally:
            server.shutdown()
