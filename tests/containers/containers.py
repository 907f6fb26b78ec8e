"""Run containers on the network of this machine, and stop them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import requests

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH, STOP_TIMEOUT_SECONDS
from tests.containers.engine import docker, inspect

START_SECONDS: Final = 60.0
"""Patience, on a machine that does other things beside."""

AS_DEPLOYED: Final = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")
"""The restrictions of the task definition and of compose.yaml."""

_PROCESSOR_SECONDS: Final = """
import os
from pathlib import Path
ticks = 0
for each in Path("/proc").glob("[0-9]*/stat"):
    if int(each.parent.name) != os.getpid():
        ticks += sum(map(int, each.read_text().rpartition(")")[2].split()[11:13]))
print(ticks / os.sysconf("SC_CLK_TCK"))
"""
"""Of all processes in the container but this one ("proc_pid_stat", Linux manual: utime and stime)."""


@dataclass(frozen=True, slots=True)
class Container:
    name: str
    port: int
    started: float
    """`time.monotonic` before its start."""

    def get(self, path: str, seconds: float = 10.0) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=seconds, allow_redirects=False)

    def until_answer(self, path: str = RUNTIME_HEALTH_CHECK_PATH) -> float:
        """Wait for the first response; return the seconds since the start of the container."""

        def answers() -> bool:
            with suppress(requests.ConnectionError, requests.Timeout):
                return self.get(path).status_code == 200
            return False

        self._wait(answers)
        return time.monotonic() - self.started

    def until_health(self, status: str) -> None:
        """Wait until the engine's own health check has this result."""
        self._wait(lambda: inspect(self.name)["State"]["Health"]["Status"] == status)

    def until_health_output(self, text: str) -> None:
        """Wait until one of the engine's last health checks has printed this."""
        self._wait(lambda: text in [each["Output"] for each in inspect(self.name)["State"]["Health"]["Log"]])

    def until_exit(self) -> int:
        return int(docker("wait", self.name, seconds=START_SECONDS).stdout)

    def python(self, program: str, *arguments: str) -> str:
        """Run a program in the container, as its user."""
        return docker("exec", self.name, "python", "-c", program, *arguments).stdout

    def processor_seconds(self) -> float:
        """Return the CPU time of the processes that run in the container now."""
        return float(self.python(_PROCESSOR_SECONDS))

    def stop(self) -> tuple[int, float]:
        """Stop it as ECS does; return its exit code and the seconds until it exited."""
        start = time.monotonic()
        docker("stop", "--time", str(STOP_TIMEOUT_SECONDS), self.name)
        return inspect(self.name)["State"]["ExitCode"], time.monotonic() - start

    def output(self) -> tuple[str, str]:
        """Return what it has written to standard output and standard error."""
        process = docker("logs", self.name)
        return process.stdout, process.stderr

    def log_lines(self) -> list[dict[str, object]]:
        """Return the lines of its standard error, gunicorn's own left out. Each has to be a JSON object."""
        texts = [line for line in self.output()[1].splitlines() if not line.startswith("[")]
        lines = [json.loads(line) for line in texts]
        assert all(isinstance(line, dict) for line in lines)
        return lines

    def _wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            state = inspect(self.name)["State"]
            if not state["Running"] or time.monotonic() > self.started + START_SECONDS:
                raise AssertionError(f"{state}\n{''.join(self.output())}")
            time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(image: str, variables: Mapping[str, str], *options: str) -> Iterator[Container]:
    """Run a container that listens on 127.0.0.1 of this machine, as restricted as when it is deployed."""
    port = free_port()
    environment = {"BIND_HOST": "127.0.0.1", "PORT": str(port), **variables}
    given = [each for name, value in environment.items() for each in ("--env", f"{name}={value}")]
    started = time.monotonic()
    name = docker("run", "--detach", "--network", "host", *AS_DEPLOYED, *given, *options, image).stdout.strip()
    try:
        yield Container(name, port, started)
    finally:
        docker("rm", "--force", "--volumes", name)
