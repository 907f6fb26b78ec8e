"""Talk to a gunicorn process in bytes."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from flask_onetrace.contract import SERVER_CONFIG
from tests.telemetry.gunicorn_server import environment

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(app: str, *options: str, **variables: str) -> Iterator[int]:
    """Serve an app by the service's own configuration; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    settings = environment({"PORT": str(port), "LOG_CONSOLE": "false", **variables})
    process = subprocess.Popen(
        [gunicorn, "--config", SERVER_CONFIG, *options, app],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not exchange(port, [b"GET / HTTP/1.0\r\n\r\n"]):
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def exchange(port: int, pieces: Sequence[bytes], *, pause: float = 0.002) -> bytes:
    """Send pieces, each in a packet of its own, and the stream's end; return all that is answered."""
    received = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            for piece in pieces:
                client.sendall(piece)
                if len(pieces) > 1:
                    time.sleep(pause)
            client.shutdown(socket.SHUT_WR)
        received = receive_all(client)
    return received


def receive_all(client: socket.socket) -> bytes:
    """Receive until the server closes or resets the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while data := client.recv(65_536):
            received += data
    return received
