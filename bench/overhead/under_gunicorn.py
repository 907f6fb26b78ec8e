"""Measure one variant under gunicorn: one worker with eight threads, under load from a process of its own."""

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
from bench.overhead.report import Figures
from bench.paths import HOME, NOTIFICATIONS

ROOT = Path(__file__).parents[2]
PATHS = (HOME, NOTIFICATIONS)
CONNECTIONS = 4
_TIMEOUT = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(variant: str, seconds: float, http: int, udp: int) -> Figures:
    """Return CPU in microseconds a request and latencies in milliseconds, under load and of a lone client."""
    with _serving(variant, http, udp) as (worker, port):
        ready = _cpu(worker)
        load.run_in_process(port, PATHS, connections=CONNECTIONS, seconds=1.0)
        _flush(port)
        before = _cpu(worker)
        concurrent = load.run_in_process(port, PATHS, connections=CONNECTIONS, seconds=seconds)
        _flush(port)
        cpu = _cpu(worker) - before
        lone = load.run_in_process(port, PATHS, connections=1, seconds=seconds)
        memory, dropped = _memory(worker), _flush(port)
    return {
        "cpu_us": cpu / concurrent.requests * 1e6,
        "rate": concurrent.rate,
        "p99": concurrent.p99,
        "lone_p50": lone.p50,
        "lone_p99": lone.p99,
        "ready_s": ready,
        "memory_mib": memory,
        "dropped": dropped,
    }


@contextmanager
def _serving(variant: str, http: int, udp: int) -> Iterator[tuple[int, int]]:
    """Yield the worker's process id and the port, once it has responded."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "1", "--threads", "8"]
    command = [sys.executable, "-m", "gunicorn", *options, "--keep-alive", "65", "--no-control-socket"]
    variables = {"BENCH_VARIANT": variant, "BENCH_HTTP": str(http), "BENCH_UDP": str(udp)}
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "bench.overhead.gunicorn_app:build()"],
        cwd=ROOT,
        env={**os.environ, **variables},
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
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        if load.run(port, PATHS[:1], connections=1, seconds=0.01).paths:
            children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
            return int(children[0])
    raise SystemExit("the variant does not respond: run `python -m bench.overhead.direct` with it to see why")


def _cpu(pid: int) -> float:
    """Return the CPU seconds of all threads of a process (`utime` and `stime`, proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _flush(port: int) -> float:
    """Make the worker flush its telemetry, and return how many items it has dropped so far."""
    with urlopen(f"http://127.0.0.1:{port}{FLUSH}", timeout=_TIMEOUT) as response:
        return float(response.read())


def _memory(pid: int) -> float:
    """Return MiB of resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
