"""Print what each sink's queue takes in memory when it is full: `python -m bench.overhead.queues`.

Each is filled in a process of its own: its sink accepts connections and never answers, X-Ray's daemon is not there.
"""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
from pathlib import Path

SINKS = ("honeycomb", "xray", "cloudwatch", "rollbar")
_MOST = 40_000
_PATIENCE = 120


def main() -> None:
    """Print the table; with a sink's name, fill its queue and print its line."""
    if len(sys.argv) > 1:
        fill(sys.argv[1])
        return
    sys.stdout.write("| queue | items | MiB when full |\n|---|---|---|\n")
    for sink in SINKS:
        command = [sys.executable, "-m", "bench.overhead.queues", sink]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)  # noqa: S603 - our own module
        sys.stdout.write(done.stdout)


def fill(sink: str) -> None:
    """Serve requests until the queue drops, and print what it holds."""
    from bench.overhead.direct import PATHS, serve  # noqa: PLC0415 - only the child needs the app
    from bench.overhead.variants import build  # noqa: PLC0415 - as above

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        app = build(sink, http=port, udp=port).app
        paths = ("/api/fault",) if sink == "rollbar" else PATHS
        [queue] = [each.queue for each in app.extensions["telemetry"].sinks if each.queue is not None]
        serve(app, 1, paths)
        before = _resident()
        for _ in range(_MOST):
            serve(app, 1, paths)
            if queue.counts.dropped_full:
                break
        gc.collect()
        sys.stdout.write(f"| {sink} | {queue.queued:,} | {_resident() - before:.0f} |\n")


def _resident() -> float:
    """Return MiB of resident memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096 / 1024 / 1024


if __name__ == "__main__":
    main()
