"""Count the instructions of a request with callgrind: steadier than any clock, on any machine.

A count is the difference between two processes, one of which served more requests, so start-up is not in it. The app
is called directly; the sending threads' work is counted. Callgrind makes all but the clock slower: queues wait longer
there, or they would send many small batches.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile

VARIANTS = ("bare", "tutorial, no console", "ours, 100 %", "ours, 5 %", "ours, 0 %")
_FEW, _MANY = 200, 1200
_PATIENCE = 600
_TOTAL = re.compile(r"Collected\s*:\s*(\d+)")


def table(http: int, udp: int) -> str:
    """Return the counts as a Markdown table."""
    if shutil.which("valgrind") is None:
        sys.exit("error: valgrind is not installed: `apt-get install valgrind`, or your system's package of that name")
    lines = ["| app called directly | instructions a request | ratio to bare |", "|---|---|---|"]
    bare = 0.0
    for name in VARIANTS:
        sys.stderr.write(f"counting {name}\n")
        counted = (_count(name, _MANY, http, udp) - _count(name, _FEW, http, udp)) / (_MANY - _FEW)
        bare = bare or counted
        lines.append(f"| {name} | {counted:,.0f} | {counted / bare:.2f} |")
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
        # The order of sets, and with it the work, would differ from process to process.
        done = subprocess.run(  # noqa: S603 - our own module
            [*tool, *child],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
    found = _TOTAL.search(done.stderr)
    if done.returncode or found is None:
        sys.exit(f"{variant} failed under callgrind:\n{done.stderr[-2000:]}")
    return int(found[1])
