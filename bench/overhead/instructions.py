"""Count the instructions of a request with callgrind: more stable than a clock, on any machine.

A count is the difference between two processes, one of which served more requests, so start-up is left out. The app
is called directly; the exporter threads' work is counted. Under callgrind everything but the clock is slower, so queues
get longer intervals; otherwise they would send many small batches.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile

VARIANTS = ("bare", "tutorial, no console", "ours, 100 %", "ours, 5 %", "ours, 0 %")
_FEWER_REQUESTS, _MORE_REQUESTS = 200, 1200
_TIMEOUT = 600
_TOTAL = re.compile(r"Collected\s*:\s*(\d+)")


def table(http: int, udp: int) -> str:
    """Return the counts as a Markdown table."""
    if shutil.which("valgrind") is None:
        sys.exit("error: valgrind is not installed: `apt-get install valgrind`, or your system's package of that name")
    lines = ["| app called directly | instructions a request | ratio to bare |", "|---|---|---|"]
    bare = 0.0
    for name in VARIANTS:
        sys.stderr.write(f"counting {name}\n")
        count = (_count(name, _MORE_REQUESTS, http, udp) - _count(name, _FEWER_REQUESTS, http, udp)) / (
            _MORE_REQUESTS - _FEWER_REQUESTS
        )
        bare = bare or count
        lines.append(f"| {name} | {count:,.0f} | {count / bare:.2f} |")
    return "\n".join(lines) + "\n"


def _count(variant: str, requests: int, http: int, udp: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        child = [
            sys.executable,
            "-m",
            "bench.overhead.direct",
            variant,
            str(requests),
            str(http),
            str(udp),
            "--only-count",
        ]
        # With random hashes the order of sets, and with it the work, would differ between the processes.
        process = subprocess.run(  # noqa: S603 - our own module
            [*tool, *child],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
    match = _TOTAL.search(process.stderr)
    if process.returncode or match is None:
        sys.exit(f"{variant} failed under callgrind:\n{process.stderr[-2000:]}")
    return int(match[1])
