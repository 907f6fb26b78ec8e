"""Serve a Flask application on 127.0.0.1 in a background thread."""

from __future__ import annotations

import socket
from threading import Thread
from typing import Final

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from local.request_guard import wsgi
from local.request_guard.decision import LOOPBACK_NAMES, Policy

LOOPBACK: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""Honeycomb accepts 15 MiB uncompressed, Rollbar 1 MiB; the sampling calls have a few KiB."""
BACKLOG: Final = 128
POLL_SECONDS: Final = 0.02
"""Seconds between checks for `close`."""
POLICY: Final = Policy(LOOPBACK_NAMES)


class QuietHandler(WSGIRequestHandler):
    """Log nothing: request lines could contain secrets."""

    timeout = 60

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Drop the access line."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Drop connection errors: a client that disconnects is not an error of the server."""


class LocalServer:
    """An HTTP server for one application, listening from construction on; port 0 means any free port.

    It refuses what a web page can send, by `policy`. Raises `OSError` when the port is in use.
    """

    def __init__(self, app: Flask, port: int = 0, policy: Policy = POLICY) -> None:
        app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
        # Bound here, because werkzeug exits the process when it cannot bind. werkzeug duplicates the descriptor.
        with socket.create_server((LOOPBACK, port), backlog=BACKLOG) as listener:
            self.port: int = listener.getsockname()[1]
            self._server = make_server(
                LOOPBACK,
                self.port,
                wsgi.guarded(app, policy),
                threaded=True,
                request_handler=QuietHandler,
                fd=listener.fileno(),
            )
        self._thread = Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), name=app.name, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the base URL, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Stop listening and abort requests in progress."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
