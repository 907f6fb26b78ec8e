"""Print what each variant costs per request, as ratios to the bare app in the same run: `make bench`.

Each round measures every variant once, in a process of its own, one after the other; a variant's ratio is to
the bare app of its own round. CPU is the whole process's: its sending threads are counted, to the last flush.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.variants import VARIANTS

Figures = dict[str, float]
CHILD_SECONDS = 180


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=3000, help="per variant and round")
    parser.add_argument("variants", nargs="*", default=list(VARIANTS), help=f"of {', '.join(VARIANTS)}")
    chosen = parser.parse_args()
    names = ["bare", *(name for name in chosen.variants if name != "bare")]
    with sinkhole() as (http, udp):
        rounds = [{name: measure(name, chosen.requests, http, udp) for name in names} for _ in _counted(chosen.rounds)]
    sys.stdout.write(table(rounds, names))


@contextmanager
def sinkhole() -> Iterator[tuple[int, int]]:
    """Run the receivers in a process of their own; give their ports, HTTP and UDP."""
    command = [sys.executable, "-m", "bench.sinkhole"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        assert process.stdout is not None  # noqa: S101 - asked for above
        assert process.stdin is not None  # noqa: S101 - the same
        ports = json.loads(process.stdout.readline())
        try:
            yield ports["http"], ports["udp"]
        finally:
            process.stdin.close()


def measure(name: str, requests: int, http: int, udp: int) -> Figures:
    """Return the figures of one variant, measured in a fresh process."""
    command = [sys.executable, "-m", "bench.child", name, str(requests), str(http), str(udp)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_SECONDS, check=False)  # noqa: S603 - our own module
    if result.returncode:
        raise SystemExit(f"{name} failed:\n{result.stderr[-2000:]}")
    figures: Figures = json.loads(result.stdout.strip().splitlines()[-1])
    return figures


def _counted(rounds: int) -> Iterator[int]:
    for number in range(rounds):
        sys.stderr.write(f"\rround {number + 1} of {rounds}")
        sys.stderr.flush()
        yield number
    sys.stderr.write("\r" + " " * 20 + "\r")


def table(rounds: list[dict[str, Figures]], names: list[str]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| variant | CPU per request | ratio to bare (spread) | ready after | memory over bare |",
        "|---|---|---|---|---|",
    ]
    bare_memory = statistics.median(each["bare"]["rss_mib"] for each in rounds)
    bare_ready = statistics.median(each["bare"]["ready_s"] for each in rounds)
    for name in names:
        cpu = statistics.median(each[name]["cpu_us"] for each in rounds)
        ratios = [each[name]["cpu_us"] / each["bare"]["cpu_us"] for each in rounds]
        memory = statistics.median(each[name]["rss_mib"] for each in rounds) - bare_memory
        ready = statistics.median(each[name]["ready_s"] for each in rounds) - bare_ready
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        lines.append(f"| {name}: {VARIANTS[name]} | {cpu:.0f} µs | {spread} | +{ready:.2f} s CPU | +{memory:.0f} MiB |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
