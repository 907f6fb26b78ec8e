"""Serve an application that knows nothing of telemetry under gunicorn, bare and by the runtime, and compare.

Bare means gunicorn's own worker and configuration. Each request's trace has to arrive in every sink.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask_onetrace.contract import SERVER_APP, SERVER_CONFIG
from tests.peers.environment import CHECKOUT, PeersError
from tests.peers.exchanges import Request, Response, difference, exchange
from tests.telemetry.backends import FakeBackends, eventually

_START_SECONDS: Final = 40.0
_EXCEPTION: Final = "Exception on"


@dataclass(frozen=True, slots=True)
class Served:
    """What came of the requests: how observed responses differ, and whose trace is missing in which sink."""

    requests: int
    differences: tuple[str, ...]
    missing: tuple[str, ...]
    failures: int
    """Exceptions that nothing handled: each is an item in Rollbar."""


def compare_served(python: Path, app: str, requests: Iterable[Request], folder: Path) -> Served:
    """Serve `app`, as FLASK_APP names it, from `folder` with the packages of `python`. Raises `PeersError`."""
    requests = tuple(requests)
    with _serving([str(python), "-m", "gunicorn", "-k", "gthread", "--threads", "8", app], folder, {}) as port:
        bare = [exchange(port, each) for each in requests]
    command = [str(python), "-m", "gunicorn", "--config", SERVER_CONFIG, SERVER_APP]
    with ExitStack() as stack:
        backends = FakeBackends(stack)
        variables = {**backends.environment, **backends.aws, "FLASK_APP": app}
        with _serving(command, folder, variables) as port:
            observed = [exchange(port, each) for each in requests]
        # The server has ended: each sink has what it gets.
        pairs = zip(requests, bare, observed, strict=True)
        differences = [f"{request}: {text}" for request, a, b in pairs if (text := difference(a, b))]
        missing = [
            f"{request}: {text}"
            for request, each in zip(requests, observed, strict=True)
            if (text := _missing(backends, each))
        ]
        return Served(len(requests), tuple(differences), tuple(missing), len(_failed(backends)))


def _failed(backends: FakeBackends) -> set[str]:
    """Return the ids of the traces in which an exception was not handled, by the application's log lines."""
    return {each["trace_id"] for each in backends.logs.lines if each["message"].startswith(_EXCEPTION)}


def _missing(backends: FakeBackends, response: Response) -> str:
    """Return what the sinks have of a response's trace, if that is not one of each; empty where it is."""
    trace_id = response.trace_id
    is_failed = trace_id in _failed(backends)
    found = {
        "spans": len(backends.spans(trace_id)),
        "segments": len(eventually(lambda: backends.segments_of(trace_id), 1)),
        "lines": len(backends.lines_of(trace_id)),
        "items": len(backends.items(trace_id)),
    }
    expected = {"spans": 1, "segments": 1, "lines": 1 + is_failed, "items": int(is_failed)}
    return f"{found} of trace {trace_id or 'without an id'}, not {expected}" if found != expected else ""


@contextmanager
def _serving(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[int]:
    """Run a server until the end, when it has stopped; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bind = [] if variables else ["--bind", f"127.0.0.1:{port}"]
    # The order in which the application iterates over its sets is the same for both.
    fixed = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": "0", "PORT": str(port)}
    log_file = folder / "gunicorn.log"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [*command[:3], *bind, *command[3:]], cwd=folder, env={**fixed, **variables}, stdout=log, stderr=log
        )
        try:
            _wait_until_served(process, port, log_file)
            yield port
        finally:
            process.terminate()
            process.wait(_START_SECONDS)


def _wait_until_served(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            exchange(port, Request("/"))
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return
    raise PeersError(f"gunicorn does not serve: {log.read_text()[-2000:]}")
