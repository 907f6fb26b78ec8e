"""Count the instructions of a request with callgrind, of Python and of the drivers' C code, without the kernel's.

Start-up and warm-up are not counted: callgrind starts with the first request that is. Its work makes everything but the
clock slower, so queues get longer intervals.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.libraries.calls import CALLS, Ports
from bench.libraries.rounds import Figures, Results, worker
from bench.libraries.variants import BARE
from bench.overhead.direct import CALLGRIND_SLOWDOWN

_WARM_UP: Final = 10
_REQUESTS: Final = 30
_AT_ONCE: Final = 2
"""Variants that are counted at the same time: other load changes no count."""
_TIMEOUT: Final = 60
_SUMMARY: Final = re.compile(r"^summary: (\d+)", re.MULTILINE)


def count(names: Sequence[str], ports: Ports) -> Results:
    """Return the instructions of a request."""
    if shutil.which("valgrind") is None:
        sys.exit("error: valgrind is not installed: `apt-get install valgrind`, or your system's package of that name")
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        by_variant = dict(zip(names, pool.map(lambda name: _of_variant(name, ports), names), strict=True))
    finally:
        pool.shutdown(cancel_futures=True)
    bare = by_variant[BARE]
    return {
        (path, name): Figures(((value, bare[path]),))
        for name, counts in by_variant.items()
        for path, value in counts.items()
    }


def _of_variant(name: str, ports: Ports) -> dict[str, float]:
    sys.stderr.write(f"counting {name}\n")
    counts = {}
    with TemporaryDirectory(prefix="callgrind-") as folder:
        out = Path(folder) / "out"
        tool = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
        with worker(name, ports, tool=tool, slowdown=CALLGRIND_SLOWDOWN) as process:
            for number, call in enumerate(CALLS, 1):
                process.run(f"{call.path} {_WARM_UP}")
                _control(process.pid, "--instr=on")
                process.run(f"{call.path} 1")
                _control(process.pid, "--zero")
                process.run(f"{call.path} {_REQUESTS}")
                _control(process.pid, "--dump")
                counts[call.path] = _instructions(Path(f"{out}.{number}")) / _REQUESTS
                _control(process.pid, "--instr=off")
    return counts


def _control(pid: int, command: str) -> None:
    arguments = ["callgrind_control", command, str(pid)]
    subprocess.run(arguments, check=True, capture_output=True, timeout=_TIMEOUT)  # noqa: S603 - valgrind's own tool


def _instructions(dump: Path) -> int:
    match = _SUMMARY.search(dump.read_text(encoding="utf-8", errors="replace"))
    if match is None:
        sys.exit(f"callgrind counted nothing: {dump} has no summary")
    return int(match[1])
