"""HTTP servers on 127.0.0.1 that record POST requests, as a back end or as a proxy."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, create_connection
from threading import Thread

import trustme

from flask_onetrace.telemetry.export.http import HttpClient, Response

Reply = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Record each request, and respond by the server's `reply`."""

    protocol_version = "HTTP/1.1"
    server: RecordingServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, self.headers["host"], body))
        self.server.proxy_credentials.append(self.headers["proxy-authorization"])
        self.server.connections.add(self.client_address)
        self.server.reply(self)

    def do_CONNECT(self) -> None:
        """Open a tunnel, as a proxy does for TLS."""
        self.server.requests.append((self.path, self.headers["host"], b""))
        self.server.proxy_credentials.append(self.headers["proxy-authorization"])
        self.send_response(200)
        self.end_headers()
        host, _, port = self.path.rpartition(":")
        with create_connection((host, int(port))) as upstream:
            responses = Thread(target=_pump, args=(upstream.recv, self.connection.sendall))
            responses.start()
            _pump(self.connection.recv, upstream.sendall)
            with suppress(OSError):  # the server may have disconnected first
                upstream.shutdown(SHUT_RDWR)
            responses.join()
        self.close_connection = True

    def respond(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _pump(receive: Callable[[int], bytes], send: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while chunk := receive(65_536):
            send(chunk)


class RecordingServer(ThreadingHTTPServer):
    """A server that records `requests` as (target, `Host`, body), and the client addresses as `connections`.

    `proxy_credentials` has each request's `Proxy-Authorization`, None without one.
    """

    def __init__(self, reply: Reply = Handler.respond) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply = reply
        self.requests: list[tuple[str, str, bytes]] = []
        self.proxy_credentials: list[str | None] = []
        self.connections: set[tuple[str, int]] = set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print the error, unless the client disconnected or rejected the certificate."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the stub's socket or pair of them

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def run(server: RecordingServer) -> Iterator[RecordingServer]:
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tls_server(authority: trustme.CA) -> RecordingServer:
    """Return a TLS server with a certificate issued by `authority`."""
    server = RecordingServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


Serve = Callable[[RecordingServer], RecordingServer]
Post = Callable[[HttpClient, bytes], Response]
