"""Measure what telemetry costs a request, as ratios to the bare app of the same run: `make bench`.

Each round measures every variant once, one after the other: in a process of its own whose app is called directly, and
under gunicorn with load. A variant's ratio is to the bare app of its own round; a table shows the median of the rounds
and, in brackets, the lowest and highest. CPU is that of the whole process, with its exporter threads.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

from bench.overhead import instructions, report, under_gunicorn
from bench.overhead.report import Figures, Round
from bench.overhead.sinkhole import running_sinkhole
from bench.overhead.variants import VARIANTS

DIRECT_TIMEOUT = 180


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=3000, help="per variant and round, in process")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load, per variant and round, under gunicorn")
    parser.add_argument("--instructions", action="store_true", help="count instructions by callgrind instead (10 min)")
    parser.add_argument("--publish", action="store_true", help="write the tables into bench/README.md")
    parser.add_argument(
        "variants", nargs="*", default=list(VARIANTS), help=f"of {', '.join(VARIANTS).replace('%', '%%')}"
    )
    arguments = parser.parse_args()
    names = ["bare", *(name for name in arguments.variants if name != "bare")]
    with running_sinkhole() as ports:
        if arguments.instructions:
            section, markdown = "instructions", instructions.table(*ports)
        else:
            section, markdown = "figures", report.tables(list(_rounds(names, arguments, ports)), names)
    sys.stdout.write(markdown)
    if arguments.publish:
        report.publish(section, markdown)


def _rounds(names: Sequence[str], arguments: argparse.Namespace, ports: tuple[int, int]) -> Iterator[Round]:
    for number in range(arguments.rounds):
        figures: Round = {}
        for name in names:
            sys.stderr.write(f"\rround {number + 1} of {arguments.rounds}: {name:24}")
            sys.stderr.flush()
            direct = measure_direct(name, arguments.requests, *ports)
            served = under_gunicorn.measure(name, arguments.seconds, *ports)
            figures[name] = {**direct, **{f"served_{key}": value for key, value in served.items()}}
        yield figures
    sys.stderr.write("\r" + " " * 50 + "\r")


def measure_direct(name: str, requests: int, http: int, udp: int) -> Figures:
    """Return the figures of one variant whose app is called directly, measured in a new process."""
    command = [sys.executable, "-m", "bench.overhead.direct", name, str(requests), str(http), str(udp)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=DIRECT_TIMEOUT, check=False)  # noqa: S603 - our own module
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{process.stderr[-2000:]}")
    figures: Figures = json.loads(process.stdout.strip().splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
