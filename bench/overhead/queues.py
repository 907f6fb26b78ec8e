"""Print the memory of each sink's full queue: `python -m bench.overhead.queues`.

Each is filled in a process of its own: its sink accepts connections and never responds, and no X-Ray daemon runs.
"""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
from pathlib import Path

from bench.paths import FAULT

SINKS = ("honeycomb", "xray", "cloudwatch", "rollbar")
_MAXIMUM_REQUESTS = 40_000
_TIMEOUT = 120


def main() -> None:
    """Print the table; with a sink's name, fill its queue and print its line."""
    if len(sys.argv) > 1:
        fill(sys.argv[1])
        return
    sys.stdout.write("| queue | items | MiB when full |\n|---|---|---|\n")
    for sink in SINKS:
        command = [sys.executable, "-m", "bench.overhead.queues", sink]
        process = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=True)  # noqa: S603 - our own module
        sys.stdout.write(process.stdout)


def fill(sink: str) -> None:
    """Serve requests until the queue drops an item, and print its length and memory."""
    from bench.overhead.direct import PATHS, serve  # noqa: PLC0415 - only the child needs the app
    from bench.overhead.variants import build  # noqa: PLC0415 - as above

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        subject = build(sink, http=port, udp=port)
        paths = (FAULT,) if sink == "rollbar" else PATHS
        serve(subject.app, 1, paths)
        before = _resident()
        for _ in range(_MAXIMUM_REQUESTS):
            serve(subject.app, 1, paths)
            if subject.dropped():
                break
        gc.collect()
        sys.stdout.write(f"| {sink} | {subject.queued():,} | {_resident() - before:.0f} |\n")


def _resident() -> float:
    """Return MiB of resident memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096 / 1024 / 1024


if __name__ == "__main__":
    main()
