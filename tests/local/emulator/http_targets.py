"""HTTP targets for the emulated load balancer."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Target:
    """A server whose responses a test chooses; `/health` answers `status`, any other path what its name says."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.status = 200
        self.delay = 0.0
        self.checks: list[float] = []
        self.received: Counter[str] = Counter()
        self.headers: dict[str, str] = {}
        self.released = threading.Event()
        """Ends the responses to /wait and /stream."""
        self.broken = threading.Event()
        """Set when the client of a stream has left."""
        self._server = _Server((host, port), _handler(self))
        self.host, self.port = host, self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def use_tls(self, chain: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def requests(self) -> int:
        return sum(self.received.values())

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: clients that leave are part of the tests."""


def _handler(target: Target) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/health":
                target.checks.append(time.monotonic())
                target.headers = {name.lower(): value for name, value in self.headers.items()}
                time.sleep(target.delay)
                return self._answer(target.status)
            target.received[self.path] += 1
            return self._other(self.path.strip("/"))

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()

        def do_POST(self) -> None:
            target.received[self.path] += 1
            length = int(self.headers.get("content-length", "0"))
            self._answer(200, self.rfile.read(length))

        def _other(self, name: str) -> None:
            if name == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.rfile.close()  # otherwise it keeps the socket open
                self.connection.close()
                self.close_connection = True
            elif name == "close":
                self.close_connection = True
            elif name == "garbage":
                self.wfile.write(b"no HTTP\r\n\r\n")
                self.close_connection = True
            elif name == "wait":
                target.released.wait(30)
                self._answer(200)
            elif name == "slow":
                time.sleep(0.05)
                self._answer(200)
            elif name.startswith("stream"):
                self._stream(int(name.removeprefix("stream")))
            elif name == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"part")
                self.close_connection = True
            elif name == "cookies":
                target.headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(204)
                self.send_header("X-Name", "\xc3\xa9t\xe9")
                self.send_header("Set-Cookie", "a=1")
                self.send_header("Set-Cookie", "b=2")
                self.end_headers()
            else:
                self._answer(int(name) if name.isdigit() else 200)

        def _stream(self, chunks: int) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for _ in range(chunks):
                    self.wfile.write(b"5\r\nchunk\r\n")
                    if target.released.wait(0.1):
                        break
                self.wfile.write(b"0\r\n\r\n")
            except ConnectionError:
                target.broken.set()
                self.close_connection = True

        def _answer(self, status: int, body: bytes | None = None) -> None:
            content = f"{target.host}:{target.port}".encode() if body is None else body
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
            """Log nothing."""

    return Handler


@contextmanager
def serving(*hosts: str) -> Iterator[list[Target]]:
    targets = [Target(host) for host in hosts]
    try:
        yield targets
    finally:
        for target in targets:
            target.close()


def certificate(folder: Path) -> Path:
    """Write a self-signed certificate and its key to one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "target")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    ).sign(key, hashes.SHA256())
    encryption = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    path = folder / "target.pem"
    path.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return path
