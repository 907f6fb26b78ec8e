"""Print the memory of each sink's full queue: `python -m bench.overhead.queues`.

With the benchmark's requests, and with the worst of the inputs that `bench.overhead.worst_inputs` lists. Each is
measured in a process of its own, whose sinks accept connections and never respond; no X-Ray daemon runs, and nobody
reads its standard error.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

SINKS = ("honeycomb", "xray", "cloudwatch", "rollbar", "browser", "console")
_WARM_UP = 0.002
"""The share of a load that is sent before: what a process imports and caches with its first items is no queue."""
_BALLAST_STEP = 0.25
"""MiB by which the process grows for each size of small objects."""
_HEADER = 33
"""Bytes of a `bytes` object without its content: Python's own allocator takes objects of 512 bytes at most."""
_WARM_UP_SECONDS = 6.0
"""For the export threads' imports and first connections, on a busy machine too."""
_SETTLE_SECONDS = 8.0
"""Longer than frames wait for their error item."""
_TIMEOUT = 300


def main() -> None:
    """Print the table; with a sink's name and kinds of input, measure those and print JSON."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(sys.argv[1], sys.argv[2:])) + "\n")
        sys.stdout.flush()
        os._exit(0)  # the last flush would wait for the sinks, which is not measured here
    sys.stdout.write(
        "| queue | items | MiB when full | worst input | items | MiB when full |\n|---|---|---|---|---|---|\n"
    )
    for sink in SINKS:
        usual, worst = usual_of(sink), worst_of(sink)
        sys.stdout.write(f"| {sink} | {_cells(usual)} | {worst['kinds'][0]} | {_cells(worst)} |\n")
        sys.stdout.flush()
    usual, worst = run("all", "many requests", "errors"), run("all")
    sys.stdout.write(f"| all of them in one process | {_cells(usual)} | all of these | {_cells(worst)} |\n")


def _cells(figures: dict[str, Any]) -> str:
    return f"{figures['queued']:,} | {figures['held']:.0f}"


def usual_of(sink: str) -> dict[str, Any]:
    """Return the figures of the sink's queue with the benchmark's requests."""
    return run(sink, {"rollbar": "errors", "browser": "browser bodies"}.get(sink, "many requests"))


def worst_of(sink: str) -> dict[str, Any]:
    """Return the figures of the sink's queue with the input that takes most."""
    from bench.overhead.worst_inputs import OF_SINKS  # noqa: PLC0415 - imports the app

    return max((run(sink, kind) for kind in OF_SINKS[sink]), key=lambda figures: float(figures["held"]))


def run(sink: str, *kinds: str) -> dict[str, Any]:
    """Measure in a process of its own: the sink's queue, or all, with these kinds of input or all."""
    command = [sys.executable, "-m", "bench.overhead.queues", sink, *kinds]
    reader, writer = os.pipe()
    try:
        process = subprocess.run(  # noqa: S603 - our own module
            command, stdout=subprocess.PIPE, stderr=writer, text=True, timeout=_TIMEOUT, check=False
        )
        if process.returncode:
            sys.exit(f"{sink}, {kinds}: {os.read(reader, 65_536).decode()[-2_000:]}")
    finally:
        os.close(reader)
        os.close(writer)
    figures: dict[str, Any] = json.loads(process.stdout)
    return figures


def measure(sink: str, kinds: list[str]) -> dict[str, Any]:
    """Fill the queue; return the kinds of input, how many items are queued, and the memory that they take in MiB.

    `held` is what remains when freed memory is returned to the system, `grown` includes it: a part of that is the
    requests' own, as the sink "none" shows.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = _app(sink, silent.getsockname()[1])
        from bench.overhead import worst_inputs  # noqa: PLC0415 - after the app's own imports

        worst_inputs.add_routes(app)
        kinds = kinds or list(worst_inputs.KINDS)
        for kind in kinds:
            worst_inputs.run(app, kind, _WARM_UP)
        time.sleep(_WARM_UP_SECONDS)
        _trim()
        ballast = _ballast()
        before = _resident()
        for kind in kinds:
            worst_inputs.run(app, kind)
        time.sleep(_SETTLE_SECONDS)
        gc.collect()
        grown = _resident() - before
        _trim()
        held = _resident() - before
        queues = [each.queue for each in app.extensions["onetrace"].sinks if each.queue is not None]
        del ballast
        return {"kinds": kinds, "queued": sum(queue.queued for queue in queues), "held": held, "grown": grown}


def _ballast() -> list[bytes]:
    """Return objects that fill the memory that Python keeps for small ones: queues would grow into it unseen."""
    objects: list[bytes] = []
    for size in range(16, 513 - _HEADER, 16):
        start = _resident()
        while _resident() < start + _BALLAST_STEP:
            objects += [bytes(size) for _ in range(1_000)]
    return objects


def _app(sink: str, port: int) -> Any:  # noqa: ANN401 - a Flask app, which only the child imports
    from bench.overhead.variants import environment_of  # noqa: PLC0415 - only the child needs the app

    name = {"all": "ours, 100 %", "none": "ours, 100 %", "browser": "honeycomb"}.get(sink, sink)
    environment = environment_of(name, port, port) | {"FAULT_ROUTES": "true"}
    if sink in ("all", "console"):
        environment["LOG_CONSOLE"] = "true"
    if sink in ("console", "none"):
        environment = {key: value for key, value in environment.items() if key in _WITHOUT_SINKS}
    if sink == "none":  # where no sink takes lines, logging prints them
        logging.getLogger().addHandler(logging.NullHandler())
    os.environ.update(environment)
    from flask_onetrace.settings import Settings  # noqa: PLC0415 - as above
    from service.factory import create_app  # noqa: PLC0415 - as above

    return create_app(Settings.from_env(environment))


_WITHOUT_SINKS = ("LOG_CONSOLE", "FAULT_ROUTES", "OTEL_SERVICE_NAME")


def _trim() -> None:
    """Return freed memory to the system, where glibc is the C library."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _resident() -> float:
    """Return MiB of resident memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
