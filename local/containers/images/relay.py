"""Hold the network namespace of a task, and connect TCP ports in it to unix sockets of a mounted folder.

    relay.py FOLDER 127.0.0.1:4566=4566.sock 169.254.170.2:80=metadata.sock

Prints `ready` once it listens. Alone in its container, it needs the standard library only; the agent imports it too.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence

READY = "ready"
METADATA_ADDRESS = "169.254.170.2"
"""Of the task's metadata and credentials ("Task metadata endpoint", Amazon ECS Developer Guide)."""
INSTANCE_METADATA_ADDRESS = "169.254.169.254"
"""A Fargate task has no instance. On a machine that has one, its containers shall not reach the machine's own."""
CHUNK_BYTES = 65_536
SET_ADDRESS, SET_NETMASK = 0x8916, 0x891C
"""SIOCSIFADDR and SIOCSIFNETMASK ("netdevice", Linux manual)."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_running: set[asyncio.Task[None] | None] = set()
"""The event loop has only weak references, and none to a connection whose other end has closed its half."""


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Awaitable[Connection]) -> None:
    """Copy bytes both ways between a connection and `target` until both directions have ended."""
    try:
        target_reader, target_writer = await target
    except OSError:
        writer.close()
        return
    task = asyncio.current_task()
    _running.add(task)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, target_writer))
            group.create_task(_copy(target_reader, writer))
    except* OSError:
        pass  # one side has reset its connection: close both
    finally:
        _running.discard(task)
        writer.close()
        target_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def add_loopback_address(address: str, alias: int) -> None:
    """Add an IPv4 address to the loopback interface. Raises `OSError` without CAP_NET_ADMIN."""
    name = f"lo:{alias}".encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for request, value in ((SET_ADDRESS, address), (SET_NETMASK, "255.255.255.255")):
            fcntl.ioctl(any_socket, request, struct.pack("16sH2x4s8x", name, socket.AF_INET, socket.inet_aton(value)))


def become_owner_of(folder: str) -> None:
    """Give up root's rights: continue as the user who owns the folder and its sockets."""
    owner = os.stat(folder)  # noqa: PTH116 - pathlib is slow to import, and this delays each task's start
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


async def serve(folder: str, routes: Sequence[tuple[str, int, str]]) -> None:
    """Forward each (host, port, socket name) until cancelled."""
    servers = [await asyncio.start_server(_to_socket(f"{folder}/{name}"), host, port) for host, port, name in routes]
    become_owner_of(folder)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _to_socket(path: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    return lambda reader, writer: forward(reader, writer, asyncio.open_unix_connection(path))


def route(text: str) -> tuple[str, int, str]:
    """Parse `host:port=socket`."""
    address, _, name = text.partition("=")
    host, _, port = address.rpartition(":")
    return host, int(port), name


if __name__ == "__main__":
    for alias, address in enumerate((METADATA_ADDRESS, INSTANCE_METADATA_ADDRESS)):
        add_loopback_address(address, alias)
    asyncio.run(serve(sys.argv[1], [route(text) for text in sys.argv[2:]]))
