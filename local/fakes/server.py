"""Serve a Flask application on 127.0.0.1 from a thread of its own."""

from __future__ import annotations

import socket
from threading import Thread
from typing import Final

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

LOOPBACK: Final = "127.0.0.1"
LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes. Honeycomb takes 15 MiB uncompressed, Rollbar 1 MiB, the sampling calls a few KiB."""


BACKLOG: Final = 128


class QuietHandler(WSGIRequestHandler):
    """Say nothing of each request: a request's line could repeat what a secret's holder sent."""

    timeout = 60

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the access line to itself."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Keep connection errors to itself: a client that hangs up is none of our faults."""


class Served:
    """One application, bound to a port from the moment this is made; port 0 chooses a free one.

    Raises `OSError` when the port is taken.
    """

    def __init__(self, app: Flask, port: int = 0) -> None:
        app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
        # Bound here, because werkzeug ends the process when it cannot bind. It keeps a duplicate of the descriptor.
        with socket.create_server((LOOPBACK, port), backlog=BACKLOG) as listening:
            self.port: int = listening.getsockname()[1]
            self._server = make_server(
                LOOPBACK, self.port, app, threaded=True, request_handler=QuietHandler, fd=listening.fileno()
            )
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name=app.name, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the address without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Stop listening; requests under way are cut."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
