"""Run the service in gunicorn, with the container's command line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from bench.testbed.application import NAMES
from flask_onetrace.contract import SERVER_APP, SERVER_CONFIG

ROOT = Path(__file__).parents[2]
START_SECONDS = 40.0
STOP_SECONDS = 20.0


def command(*options: str, app: str = SERVER_APP) -> list[str]:
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    return [gunicorn, "--config", SERVER_CONFIG, *options, app]


def environment(variables: dict[str, str]) -> dict[str, str]:
    """Return the environment of a process of ours, in which deprecations are errors, as in the tests' own process."""
    return {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error::DeprecationWarning", **NAMES, **variables}


def exit_limit(deadline: float, start_seconds: float) -> float:
    """Return the seconds within which a process ends that may take `deadline` for its last items.

    The rest is for the machine: what starts slowly on it ends slowly, too.
    """
    return deadline + max(3.0, start_seconds)


@dataclass
class Server:
    process: subprocess.Popen[str]
    url: str
    start_seconds: float = 0.0

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers=headers, timeout=60)

    def stop(self) -> tuple[int, float, str]:
        """Send SIGTERM; return the exit code, the seconds until it exited, and its output."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, time.monotonic() - start, output


@contextmanager
def serve(
    variables: dict[str, str],
    *options: str,
    app: str = SERVER_APP,
    folder: Path = ROOT,
    start: list[str] | None = None,
) -> Iterator[Server]:
    """Start gunicorn, or `start`, in `folder` on a free port, wait until it is healthy, and kill it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.monotonic()
    process = subprocess.Popen(
        start or command(*options, app=app),
        cwd=folder,
        env=environment({"PYTHONPATH": str(ROOT), **variables, "PORT": str(port)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        _wait_until_healthy(server, variables.get("HEALTH_CHECK_PATH", NAMES["HEALTH_CHECK_PATH"]))
        server.start_seconds = time.monotonic() - started
        yield server
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=STOP_SECONDS)


def _wait_until_healthy(server: Server, path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        # Until a worker accepts connections the kernel holds them, so a busy machine's first request may time out.
        with suppress(requests.ConnectionError, requests.Timeout):
            assert server.get(path).status_code == 200
            return
        time.sleep(0.05)
    server.process.kill()
    raise AssertionError(f"the service did not start:\n{server.process.communicate()[0]}")
