"""A port in a task's namespace leads to a port of this machine, by a unix socket between the relay and the agent."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from local.containers import images
from local.containers.forwarding import Forwarder, _cancel_connections, listen
from local.containers.images import relay

pytestmark = pytest.mark.usefixtures("socket_enabled")


class EchoServer:
    """Returns what it has received, once its client has sent all of it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(received(connection))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def send(connection: socket.socket, body: bytes) -> None:
    connection.sendall(body)
    connection.shutdown(socket.SHUT_WR)


def received(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(65_536):
        chunks.append(chunk)
    return b"".join(chunks)


@contextmanager
def relay_to(folder: Path, name: str) -> Iterator[int]:
    """The relay's own forwarding from a port to a socket of the folder, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(relay._to_socket(f"{folder}/{name}"), "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_cancel_connections(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def forwarder() -> Iterator[Forwarder]:
    with closing(Forwarder()) as forwarder:
        yield forwarder


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_bytes_pass_both_ways_and_the_end_of_each(tmp_path: Path, forwarder: Forwarder, size: int) -> None:
    body = bytes(i % 251 for i in range(size))
    with closing(EchoServer()) as server:
        servers = forwarder.open(tmp_path, {"echo.sock": server.port})
        with relay_to(tmp_path, "echo.sock") as port, socket.create_connection(("127.0.0.1", port), 10) as client:
            threading.Thread(target=send, args=(client, body)).start()
            assert received(client) == body
        forwarder.shut(servers)


def test_a_port_that_nobody_listens_on_ends_the_connection(tmp_path: Path, forwarder: Forwarder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        free = int(unused.getsockname()[1])
    servers = forwarder.open(tmp_path, {"none.sock": free})
    with relay_to(tmp_path, "none.sock") as port, socket.create_connection(("127.0.0.1", port), 10) as client:
        assert received(client) == b""
    forwarder.shut(servers)


def test_a_socket_can_lie_deeper_than_its_address_is_long(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 40)
    folder.mkdir()
    with closing(listen(folder, "a.sock")):
        assert (folder / "a.sock").is_socket()


def test_the_sockets_of_a_task_are_its_owners_alone(tmp_path: Path, forwarder: Forwarder) -> None:
    servers = forwarder.open(tmp_path, {"a.sock": 1})
    forwarder.shut(servers)
    assert tmp_path.stat().st_mode & 0o077 == 0


def test_a_route_is_parsed() -> None:
    assert relay.route("127.0.0.1:4566=4566.sock") == ("127.0.0.1", 4566, "4566.sock")


def test_the_build_context_has_what_the_images_copy(tmp_path: Path) -> None:
    dockerfile = images.stage_context(tmp_path)
    copied = [line.split()[1] for line in dockerfile.read_text("utf-8").splitlines() if line.startswith("COPY local")]
    assert copied
    assert all((tmp_path / each).exists() for each in copied)
    assert list(tmp_path.rglob("__pycache__")) == []


def test_the_fake_in_the_image_imports_nothing_that_is_not_in_its_context(tmp_path: Path) -> None:
    images.stage_context(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import local.fakes.xray_daemon.__main__ as m; print(m.__file__)"
    )
    process = subprocess.run(
        [sys.executable, "-P", "-c", program, tmp_path], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert process.stdout.strip() == str(tmp_path / "local/fakes/xray_daemon/__main__.py"), process.stderr
