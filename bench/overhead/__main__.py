"""Print what observing a request costs, as ratios to the bare app in the same run: `make bench`.

Each round measures every variant once, one after the other: in a process of its own whose app is called directly, and
under gunicorn with load. A variant's ratio is to the bare app of its own round; a table shows the median of the rounds
and, in brackets, the lowest and highest. CPU is the whole process's: its sending threads are counted.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.overhead import instructions, under_gunicorn
from bench.overhead.variants import VARIANTS

Figures = dict[str, float]
Round = dict[str, Figures]
CHILD_SECONDS = 180
README = Path(__file__).parents[1] / "README.md"


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
    chosen = parser.parse_args()
    names = ["bare", *(name for name in chosen.variants if name != "bare")]
    with sinkhole() as ports:
        if chosen.instructions:
            name, made = "instructions", instructions.table(*ports)
        else:
            name, made = "figures", tables(list(_rounds(names, chosen, ports)), names)
    sys.stdout.write(made)
    if chosen.publish:
        publish(name, made)


def _rounds(names: Sequence[str], chosen: argparse.Namespace, ports: tuple[int, int]) -> Iterator[Round]:
    for number in range(chosen.rounds):
        found: Round = {}
        for name in names:
            sys.stderr.write(f"\rround {number + 1} of {chosen.rounds}: {name:24}")
            sys.stderr.flush()
            inside = called(name, chosen.requests, *ports)
            outside = under_gunicorn.measure(name, chosen.seconds, *ports)
            found[name] = {**inside, **{f"served_{key}": value for key, value in outside.items()}}
        yield found
    sys.stderr.write("\r" + " " * 50 + "\r")


@contextmanager
def sinkhole() -> Iterator[tuple[int, int]]:
    """Run the receivers in a process of their own; give their ports, HTTP and UDP."""
    command = [sys.executable, "-m", "bench.overhead.sinkhole"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        assert process.stdout is not None  # noqa: S101 - asked for above
        assert process.stdin is not None  # noqa: S101 - the same
        ports = json.loads(process.stdout.readline())
        try:
            yield ports["http"], ports["udp"]
        finally:
            process.stdin.close()


def called(name: str, requests: int, http: int, udp: int) -> Figures:
    """Return the figures of one variant whose app is called directly, measured in a fresh process."""
    command = [sys.executable, "-m", "bench.overhead.direct", name, str(requests), str(http), str(udp)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_SECONDS, check=False)  # noqa: S603 - our own module
    if result.returncode:
        raise SystemExit(f"{name} failed:\n{result.stderr[-2000:]}")
    figures: Figures = json.loads(result.stdout.strip().splitlines()[-1])
    return figures


def tables(rounds: Sequence[Round], names: Sequence[str]) -> str:
    """Return the results as two Markdown tables."""
    where = f"{len(rounds)} rounds on {datetime.now(UTC):%d %B %Y}, Python {platform.python_version()}"
    served_by = (
        "| under gunicorn, 4 connections | CPU a request | ratio to bare | requests a second "
        "| lone client p50 | lone client p99 | memory over bare | items dropped |"
    )
    direct = (
        "| app called directly | CPU a request | ratio to bare "
        "| a request that raises, over bare | ready after | items dropped |"
    )
    return "\n".join(
        [
            f"{where}.\n",
            served_by,
            "|---" * 8 + "|",
            *(_served_row(rounds, name) for name in names),
            "",
            direct,
            "|---" * 6 + "|",
            *(_direct_row(rounds, name) for name in names),
            "",
        ]
    )


def _served_row(rounds: Sequence[Round], name: str) -> str:
    cells = [
        f"{name}: {VARIANTS[name]}",
        f"{_median(rounds, name, 'served_cpu_us'):.0f} µs",
        _spread(ratios(rounds, name, "served_cpu_us")),
        f"{_median(rounds, name, 'served_rate'):.0f}",
        *(
            f"{_median(rounds, name, key):.2f} ms, {_spread(ratios(rounds, name, key))}"
            for key in ("served_lone_p50", "served_lone_p99")
        ),
        f"{_over(rounds, name, 'served_memory_mib'):+.0f} MiB",
        _count(rounds, name, "served_dropped"),
    ]
    return f"| {' | '.join(cells)} |"


def _direct_row(rounds: Sequence[Round], name: str) -> str:
    cells = [
        name,
        f"{_median(rounds, name, 'cpu_us'):.0f} µs",
        _spread(ratios(rounds, name, "cpu_us")),
        f"{_over(rounds, name, 'raise_ms'):+.2f} ms",
        f"{_over(rounds, name, 'ready_s'):+.2f} s CPU",
        _count(rounds, name, "dropped"),
    ]
    return f"| {' | '.join(cells)} |"


def ratios(rounds: Sequence[Round], name: str, key: str) -> list[float]:
    """Return the ratio to the bare app of the same round, for each round."""
    return [each[name][key] / each["bare"][key] for each in rounds]


def _over(rounds: Sequence[Round], name: str, key: str) -> float:
    return statistics.median(each[name][key] - each["bare"][key] for each in rounds)


def _median(rounds: Sequence[Round], name: str, key: str) -> float:
    return statistics.median(each[name][key] for each in rounds)


def _count(rounds: Sequence[Round], name: str, key: str) -> str:
    """Return the sum of the rounds. What was dropped was not paid for: such a ratio would be too low."""
    found = sum(each[name][key] for each in rounds)
    return "not counted" if math.isnan(found) else f"{found:.0f}"


def _spread(found: Sequence[float]) -> str:
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def publish(name: str, made: str) -> None:
    """Put `made` between its markers in the README."""
    before, begin, rest = README.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->\n")
    README.write_text(f"{before}{begin}\n{made}\n{end}{after}")


if __name__ == "__main__":
    main()
