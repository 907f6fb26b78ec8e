"""Measure one variant under gunicorn: one worker with eight threads, the load from a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from bench import load
from bench.overhead.gunicorn_app import FLUSH

ROOT = Path(__file__).parents[2]
PATHS = ("/api/activities/home", "/api/activities/notifications")
CONNECTIONS = 4
_PATIENCE = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")
Figures = dict[str, float]


def measure(variant: str, seconds: float, http: int, udp: int) -> Figures:
    """Return CPU in microseconds a request and latencies in milliseconds, under load and of a lone client."""
    with _serving(variant, http, udp) as (worker, port):
        ready = _cpu(worker)
        load.apart(port, PATHS, connections=CONNECTIONS, seconds=1.0)
        _sent(port)
        before = _cpu(worker)
        together = load.apart(port, PATHS, connections=CONNECTIONS, seconds=seconds)
        _sent(port)
        spent = _cpu(worker) - before
        lone = load.apart(port, PATHS, connections=1, seconds=seconds)
        memory, dropped = _memory(worker), _sent(port)
    return {
        "cpu_us": spent / together.requests * 1e6,
        "rate": together.rate,
        "p99": together.p99,
        "lone_p50": lone.p50,
        "lone_p99": lone.p99,
        "ready_s": ready,
        "memory_mib": memory,
        "dropped": dropped,
    }


@contextmanager
def _serving(variant: str, http: int, udp: int) -> Iterator[tuple[int, int]]:
    """Give the worker's process id and the port, once it has answered."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "1", "--threads", "8"]
    command = [sys.executable, "-m", "gunicorn", *options, "--keep-alive", "65", "--no-control-socket"]
    told = {"BENCH_VARIANT": variant, "BENCH_HTTP": str(http), "BENCH_UDP": str(udp)}
    process = subprocess.Popen(  # noqa: S603 - the command is made above
        [*command, "bench.overhead.gunicorn_app:build()"],
        cwd=ROOT,
        env={**os.environ, **told},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield _worker_once_ready(process.pid, port), port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _worker_once_ready(master: int, port: int) -> int:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if load.run(port, PATHS[:1], connections=1, seconds=0.01).paths:
            children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
            return int(children[0])
    raise SystemExit("the variant does not serve: run `python -m bench.overhead.direct` with it to see why")


def _cpu(pid: int) -> float:
    """Return the CPU seconds of all threads of a process (`utime` and `stime`, proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _sent(port: int) -> float:
    """Have the worker send all that it has queued, and return how many items it has dropped so far."""
    with urlopen(f"http://127.0.0.1:{port}{FLUSH}", timeout=_PATIENCE) as answer:
        return float(answer.read())


def _memory(pid: int) -> float:
    """Return MiB of resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
