from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

import pytest


class Upstream(NamedTuple):
    """A service that answers 200 to every request, and keeps the headers of each by lower-case name."""

    url: str
    received: list[dict[str, str]]


@pytest.fixture
def upstream(socket_enabled: None) -> Iterator[Upstream]:  # noqa: ARG001 - it listens on 127.0.0.1
    received: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            received.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield Upstream(f"http://127.0.0.1:{server.server_port}", received)
        server.shutdown()
        thread.join()
