"""Start what is attacked: the service under its real gunicorn configuration, with four live sinks, and the emulator."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import psutil

from bench import load
from bench.attacks import raw_http
from bench.attacks.local_mode import LocalMode
from bench.attacks.received import Received
from bench.load import Load
from bench.paths import HEALTH_CHECK, HOME, NOTIFICATIONS
from bench.testbed.service_process import Service, start
from bench.testbed.sinks import Sinks

START_TIMEOUT = 20.0
GIVE_UP = 2.0
"""Seconds after which an innocent client counts a request as unanswered."""
_PAUSE = 0.01
_INNOCENT_CONNECTIONS = 4
_POLL_INTERVAL = 0.05


class StartError(RuntimeError):
    """The service did not start. The message is what it wrote to its standard error."""


@dataclass
class Target:
    """A running service, what its sinks received, and its standard error, if that is a file."""

    service: Service
    sinks: Sinks
    received: Received
    _stderr: IO[bytes]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.service.port

    def stderr(self) -> str:
        """Return what it has written to its standard error."""
        self._stderr.seek(0)
        return self._stderr.read().decode("utf-8", "surrogateescape")

    def rss(self) -> float:
        """Return the worker's resident memory in MiB."""
        return float(psutil.Process(self.service.worker).memory_info().rss) / 2**20

    def cpu(self) -> float:
        """Return the worker's CPU time in seconds."""
        times = psutil.Process(self.service.worker).cpu_times()
        return float(times.user + times.system)

    def innocent(self, seconds: float) -> Load:
        """Send an innocent client's requests for some seconds, from a process of its own."""
        return innocent(self.port, seconds)

    def answers(self, seconds: float = 10.0) -> bool:
        """Wait until it answers a health check; return whether it does."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if raw_http.get(self.port, HEALTH_CHECK, timeout=1.0).status == 200:
                return True
            time.sleep(_POLL_INTERVAL)
        return False


def innocent(port: int, seconds: float, *, host: str = "service.test") -> Load:
    """Send an innocent client's requests: four connections, a hundred a second each at most."""
    client = load.Client(host=host, timeout=GIVE_UP, pause=_PAUSE)
    paths = (HOME, NOTIFICATIONS)
    return load.run_in_process(port, paths, connections=_INNOCENT_CONNECTIONS, seconds=seconds, client=client)


def unanswered(result: Load) -> int:
    """Return how many requests got no response in time, or an error."""
    return sum(count for status, count in result.statuses.items() if status != "200")


class Lab:
    """Starts what the attacks need, and stops it at the end. `short` asks for smaller attacks."""

    def __init__(self, stack: ExitStack, *, short: bool) -> None:
        self.short = short
        self._stack = stack

    @cached_property
    def local(self) -> LocalMode:
        """The local emulator and the fakes, until the end."""
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-"))
        return LocalMode(self._stack, Path(folder) / "state")

    @contextmanager
    def target(
        self, variables: Mapping[str, str] | None = None, *, keeps_bodies: bool = True, stderr: int | None = None
    ) -> Iterator[Target]:
        """Start a service with `variables`, and stop it at the end. Raises `StartError`."""
        with ExitStack() as stack:
            sinks = Sinks(stack, keeps_bodies=keeps_bodies)
            errors = stack.enter_context(tempfile.TemporaryFile())
            environment = {**sinks.environment(()), "FAULT_ROUTES": "false", **(variables or {})}
            service = start("attacked", environment, START_TIMEOUT, stderr=errors if stderr is None else stderr)
            if service is None:
                errors.seek(0)
                raise StartError(errors.read().decode("utf-8", "replace"))
            stack.callback(service.kill)
            yield Target(service, sinks, Received(sinks), errors)
