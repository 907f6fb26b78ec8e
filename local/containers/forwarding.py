"""Forward unix sockets to ports of this machine's 127.0.0.1, for the relays of the tasks."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Final

from local.containers.images.relay import forward

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 128


class Forwarder:
    """One thread with an event loop, which copies the bytes of all tasks."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="forwarder of the tasks' ports", daemon=True)
        self._thread.start()

    def open(self, folder: Path, ports: Mapping[str, int]) -> list[asyncio.Server]:
        """Listen on a unix socket in `folder` for each name, and forward it to its port. Raises `OSError`."""
        listeners = {listen(folder, name): port for name, port in ports.items()}
        return asyncio.run_coroutine_threadsafe(self._serve(listeners), self._loop).result()

    def shut(self, servers: list[asyncio.Server]) -> None:
        """Stop listening. Connections end with the containers that hold them."""
        asyncio.run_coroutine_threadsafe(_shut(servers), self._loop).result()

    def close(self) -> None:
        """End all connections, and the thread."""
        asyncio.run_coroutine_threadsafe(_cancel_connections(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, listeners: Mapping[socket.socket, int]) -> list[asyncio.Server]:
        return [await self._server(listener, port) for listener, port in listeners.items()]

    async def _server(self, listener: socket.socket, port: int) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # asyncio would log the cancellation by `close` as an error.
            with suppress(asyncio.CancelledError):
                await forward(reader, writer, asyncio.open_connection(LOOPBACK, port))

        return await asyncio.start_unix_server(connected, sock=listener)


async def _shut(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()


async def _cancel_connections() -> None:
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    for each in connections:
        each.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


def listen(folder: Path, name: str) -> socket.socket:
    """Return a listening unix socket in `folder`, of whatever length its path is."""
    # The address has room for 108 bytes ("unix", Linux manual), and a checkout may lie deep.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(descriptor)
    return listener
