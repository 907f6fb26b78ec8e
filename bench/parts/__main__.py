"""Measure each part of the telemetry beside the stock part that it replaces: `make bench-parts`.

Both sides of a pair get the same input, in processes of their own whose rounds alternate. CPU is user and system time.
"""

from __future__ import annotations

import argparse
import sys

from bench.parts import report
from bench.parts.catalogue import PARTS
from bench.parts.receiver import running_receiver
from bench.parts.rounds import measure


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.parts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--publish", action="store_true", help="write the table into docs/architecture.md")
    modules = [part.module for part in PARTS]
    parser.add_argument("modules", nargs="*", default=modules, help=f"of {', '.join(modules)}")
    arguments = parser.parse_args()
    results = {}
    with running_receiver() as ports:
        for part in PARTS:
            if part.module in arguments.modules:
                sys.stderr.write(f"\r{part.name:40}")
                sys.stderr.flush()
                results[part.name] = measure(part, ports, rounds=arguments.rounds)
    sys.stderr.write("\r" + " " * 40 + "\r")
    markdown = report.table(results, rounds=arguments.rounds)
    sys.stdout.write(markdown)
    if arguments.publish:
        report.publish(markdown)


if __name__ == "__main__":
    main()
