"""Measure what traced library calls cost a request, as ratios to the bare app of the run: `make bench-libraries`.

Each variant has a process of its own, whose app is called directly. CPU is user and system time of all its threads,
until the spans are sent; the databases and the receivers are other processes.
"""

from __future__ import annotations

import argparse
import signal
import sys

from bench.libraries import instructions, report, rounds
from bench.libraries.calls import Ports
from bench.libraries.servers import running_databases
from bench.libraries.variants import BARE, VARIANTS
from bench.overhead.sinkhole import running_sinkhole
from bench.testbed.databases import DatabaseError

_MAX_ROUNDS = 20


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.libraries", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, _MAX_ROUNDS + 1), metavar="N")
    parser.add_argument("--cpu", action="store_true", help="without the counts of instructions, which need valgrind")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/telemetry.md")
    names = ", ".join(VARIANTS).replace("%", "%%")
    parser.add_argument("variants", nargs="*", default=list(VARIANTS), help=f"of {names}")
    arguments = parser.parse_args()
    variants = [BARE, *(name for name in arguments.variants if name != BARE)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: terminated"))  # the blocks below end the servers
    try:
        with running_databases() as databases, running_sinkhole() as sinks:
            ports = Ports(*databases, *sinks)
            cpu = rounds.cpu(variants, ports, rounds=arguments.rounds)
            counts = {} if arguments.cpu else instructions.count(variants, ports)
    except DatabaseError as error:
        sys.exit(f"error: {error}")
    markdown = report.table(cpu, counts, rounds=arguments.rounds)
    sys.stdout.write(markdown)
    if arguments.publish:
        report.publish(markdown)


if __name__ == "__main__":
    main()
