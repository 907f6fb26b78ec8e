"""Servers on 127.0.0.1 that take posts, be it as a sink or as a proxy."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, create_connection
from threading import Thread

import trustme

from service.telemetry.export.http import HttpClient, Response

Reply = Callable[["Receiver"], None]


class Receiver(BaseHTTPRequestHandler):
    """Note what comes, and reply as the server's `reply` does."""

    protocol_version = "HTTP/1.1"
    server: Receiving

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, self.headers["host"], body))
        self.server.let_through_by.append(self.headers["proxy-authorization"])
        self.server.connections.add(self.client_address)
        self.server.reply(self)

    def do_CONNECT(self) -> None:
        """Be a tunnel, as a proxy is for TLS."""
        self.server.seen.append((self.path, self.headers["host"], b""))
        self.server.let_through_by.append(self.headers["proxy-authorization"])
        self.send_response(200)
        self.end_headers()
        host, _, port = self.path.rpartition(":")
        with create_connection((host, int(port))) as there:
            back = Thread(target=_pump, args=(there.recv, self.connection.sendall))
            back.start()
            _pump(self.connection.recv, there.sendall)
            with suppress(OSError):  # the server may have left first
                there.shutdown(SHUT_RDWR)
            back.join()
        self.close_connection = True

    def answer(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
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


class Receiving(ThreadingHTTPServer):
    """A server on 127.0.0.1. `seen` has each request's target, `Host` and body; `connections` where they came from.

    `let_through_by` has what each said to a proxy, None for nothing.
    """

    def __init__(self, reply: Reply = Receiver.answer) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.reply = reply
        self.seen: list[tuple[str, str, bytes]] = []
        self.let_through_by: list[str | None] = []
        self.connections: set[tuple[str, int]] = set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print what went wrong, unless a client that had enough has left, or did not like the certificate."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the stub's socket or pair of them

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def served(server: Receiving) -> Iterator[Receiving]:
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def encrypted(authority: trustme.CA) -> Receiving:
    """Return a server that speaks TLS, by a certificate of `authority`."""
    server = Receiving()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


Serve = Callable[[Receiving], Receiving]
Post = Callable[[HttpClient, bytes], Response]
