"""Run PostgreSQL and Redis in temporary folders, on random ports of 127.0.0.1."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

HOST: Final = "127.0.0.1"
_START_SECONDS = 30.0
_ATTEMPTS = 5
"""Ports that are tried: sockets are off while a fixture of the session runs, so a free one is not asked for."""
_REMEDY = "is not installed: run scripts/databases as root, or install Debian's packages postgresql and redis-server"
_POSTGRES_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=16MB", "jit=off")


class DatabaseError(RuntimeError):
    """A database server is not installed, or did not start."""


@contextmanager
def running_postgres() -> Iterator[int]:
    """Yield the port of a PostgreSQL whose user `app` needs no password, with an empty database `shop`."""
    user = _account()
    with TemporaryDirectory(prefix="postgres-") as folder:
        data = f"{folder}/data"
        if user is not None:
            shutil.chown(folder, user)
        initdb = [_postgres_binary("initdb"), "-D", data, "--auth=trust", "-U", "app", "--no-sync", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C"], user=user, check=True, capture_output=True, cwd=folder)  # noqa: S603 - an installed server
        settings = [part for each in _POSTGRES_SETTINGS for part in ("-c", each)]
        server, probe = _postgres_binary("postgres"), _postgres_binary("pg_isready")
        with _running(
            lambda port: [server, "-D", data, "-h", HOST, "-p", str(port), "-k", folder, *settings],
            lambda port: [probe, "-q", "-h", HOST, "-p", str(port)],
            user,
        ) as port:
            createdb = [_postgres_binary("createdb"), "-h", HOST, "-p", str(port), "-U", "app", "shop"]
            subprocess.run(createdb, check=True, capture_output=True)  # noqa: S603 - the same
            yield port


@contextmanager
def running_redis() -> Iterator[int]:
    """Yield the port of a Redis that keeps nothing."""
    server, client = shutil.which("redis-server"), shutil.which("redis-cli")
    if server is None or client is None:
        raise DatabaseError(f"redis-server {_REMEDY}")
    with (
        TemporaryDirectory(prefix="redis-") as folder,
        _running(
            lambda port: [server, "--bind", HOST, "--port", str(port), "--save", "", "--dir", folder],
            lambda port: [client, "-h", HOST, "-p", str(port), "ping"],
            None,
        ) as port,
    ):
        yield port


def _postgres_binary(name: str) -> str:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    path = shutil.which(name, path=os.pathsep.join([*map(str, reversed(folders)), os.environ["PATH"]]))
    if path is None:
        raise DatabaseError(f"{name} {_REMEDY}")
    return path


def _account() -> str | None:
    """Return the user that runs PostgreSQL, which refuses root: that of Debian's package."""
    return "postgres" if os.geteuid() == 0 else None


@contextmanager
def _running(
    command: Callable[[int], list[str]], is_ready: Callable[[int], list[str]], user: str | None
) -> Iterator[int]:
    """Run a server and yield its port; end it by its process id."""
    for _ in range(_ATTEMPTS):
        port = random.SystemRandom().randrange(20_000, 32_000)
        with subprocess.Popen(  # noqa: S603 - an installed server
            command(port), user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                if _starts(process, is_ready(port)):
                    yield port
                    return
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                    process.wait(_START_SECONDS)
    raise DatabaseError(f"{command(0)[0]} did not start on any of {_ATTEMPTS} ports")


def _starts(process: subprocess.Popen[bytes], probe: list[str]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:  # noqa: S603 - the same
            return process.poll() is None
        time.sleep(0.05)
    return False
