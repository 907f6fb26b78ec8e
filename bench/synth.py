"""Measure `cdk synth`, cold and warm, with and without the template validator: `make bench-synth`.

Cold means an empty home, where jsii unpacks aws-cdk-lib into its cache. The edit loop is `make synth`, warm.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
EDIT_LOOP_SECONDS = 4.0
_TIMEOUT = 180
_VARIANTS = {"edit loop": [], "with the validator, as in CI": ["VALIDATE=1"]}


class Run(NamedTuple):
    """One synth, in seconds."""

    wall: float
    cpu: float


def main() -> None:
    """Measure and print the table; exit with 1 when the edit loop is too slow."""
    parser = argparse.ArgumentParser(prog="python -m bench.synth", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    sys.stdout.write("| `make synth` | cold: wall | CPU | warm: wall | CPU |\n|---|---|---|---|---|\n")
    warm_loop = 0.0
    for variant, options in _VARIANTS.items():
        with tempfile.TemporaryDirectory() as home:
            cold = synth(options, home)
            warm = [synth(options, home) for _ in range(runs)]
        walls = [run.wall for run in warm]
        warm_loop = warm_loop or statistics.median(walls)
        spread = f"{statistics.median(walls):.1f} s ({min(walls):.1f} to {max(walls):.1f})"
        cpu = statistics.median(run.cpu for run in warm)
        sys.stdout.write(f"| {variant} | {cold.wall:.1f} s | {cold.cpu:.1f} s | {spread} | {cpu:.1f} s |\n")
        sys.stdout.flush()
    is_fast = warm_loop < EDIT_LOOP_SECONDS
    sys.stdout.write(f"\nThe edit loop is {'' if is_fast else 'not '}under {EDIT_LOOP_SECONDS:.0f} s.\n")
    sys.exit(not is_fast)


def synth(options: list[str], home: str) -> Run:
    """Run `make synth` once with its caches under `home`."""
    environment = {**os.environ, "HOME": home, "XDG_CACHE_HOME": f"{home}/cache", "CDK_HOME": f"{home}/cdk"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = ["make", "--no-print-directory", "synth", "ENV=dev", *options]
    process = subprocess.run(  # noqa: S603 - our own target
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    if process.returncode:
        sys.exit(f"make synth failed:\n{process.stdout[-1000:]}{process.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(time.perf_counter() - start, cpu)


if __name__ == "__main__":
    main()
