"""Run a service under gunicorn, and measure it from outside."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bench import load
from bench.load import Load
from bench.paths import FAULT, HEALTH_CHECK, HOME, NOTIFICATIONS
from bench.testbed.application import NAMES
from flask_onetrace.contract import SERVER_APP, SERVER_CONFIG

ROOT = Path(__file__).parents[2]
PATHS = (HOME, NOTIFICATIONS) * 12 + (FAULT,)
"""One request in 25 fails on purpose."""
CONNECTIONS = 4
_APPS = {
    "ours": SERVER_APP,
    "tutorial": "bench.outages.tutorial_app:build()",
    "attacked": "bench.attacks.target_app:build()",
}


@dataclass
class Service:
    """A running service. `responses` counts its responses by path."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float
    responses: Counter[str] = field(default_factory=Counter)
    maximum_threads: int = 0
    minimum_rss: float = 0.0
    maximum_rss: float = 0.0

    def load(self, seconds: float) -> Load:
        """Generate load on it, from a process of its own."""
        result = load.run_in_process(self.port, PATHS, connections=CONNECTIONS, seconds=seconds)
        self.responses.update(result.paths)
        self.sample()
        return result

    def detail(self) -> dict[str, Any]:
        """Return the state of each sink from the health check; empty where it has no details."""
        status, body = get(self.port, HEALTH_CHECK + "?detail")
        if status != 200:
            return {}
        self.responses[HEALTH_CHECK] += 1
        sinks: dict[str, Any] = json.loads(body).get("sinks", {})
        return sinks

    @property
    def worker(self) -> int:
        """The pid of the worker."""
        return _worker_of(self.process.pid)

    def sample(self) -> None:
        """Sample the worker's threads and resident memory."""
        status = _status_of(self.worker)
        self.maximum_threads = max(self.maximum_threads, int(status["Threads"]))
        rss = int(status["VmRSS"].split()[0]) / 1024
        self.minimum_rss = min(self.minimum_rss or rss, rss)
        self.maximum_rss = max(self.maximum_rss, rss)

    def kill(self) -> None:
        """Send SIGKILL to it and its workers."""
        _kill(self.process)

    def stop(self, timeout: float) -> float | None:
        """Send SIGTERM; return the seconds until it exited, None if it was killed after `timeout`."""
        start_time = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        return time.monotonic() - start_time


def start(
    kind: str,
    environment: dict[str, str],
    timeout: float,
    *,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Service | None:
    """Start an app of `_APPS`; return it once it responds, None if it exits or `timeout` seconds pass before."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    command = [gunicorn, "--config", SERVER_CONFIG, _APPS[kind]]
    variables = {"PATH": os.environ["PATH"], "PORT": str(port), **NAMES, **environment}
    start_time = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, env=variables, stdout=stdout, stderr=stderr, start_new_session=True
    )
    while process.poll() is None and (remaining := timeout - (time.monotonic() - start_time)) > 0:
        # A request that is given up early is served all the same once the worker runs, and is then an item too many.
        if get(port, HEALTH_CHECK, timeout=remaining)[0]:
            service = Service(process, port, time.monotonic() - start_time)
            service.responses[HEALTH_CHECK] += 1
            service.sample()
            return service
        time.sleep(0.02)
    _kill(process)
    return None


def get(port: int, path: str, *, timeout: float = 5.0) -> tuple[int, bytes]:
    """Return the status and body of one response; status 0 without one within `timeout` seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _worker_of(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(children[0]) if children else master


def _status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
