"""Make each sink fail in each way under load, and print what the service's callers notice: `make drill`.

A cell of the table is one service in a process of its own. It starts while its sink fails and is measured once the sink
works: before, during and after a fault, within the same minute. At the end it is stopped while the sink fails again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

from bench.outages import report
from bench.outages.cell import ALL_SINKS, FAULTS, NO_FAULT, Cell, run
from bench.testbed.sinks import SINKS, Sinks


def main() -> None:
    """Run the cells of the command line, and print the table; exit with 1 when a cell fails."""
    parser = argparse.ArgumentParser(prog="python -m bench.outages", description=__doc__)
    parser.add_argument("--sinks", nargs="+", default=[ALL_SINKS, *SINKS], help=f"of {ALL_SINKS!r}, {', '.join(SINKS)}")
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), help=f"of {', '.join(map(repr, FAULTS))}")
    parser.add_argument("--seconds", type=float, default=4.0, help="of load in each phase")
    parser.add_argument("--no-tutorial", action="store_true", help="leave out the tutorial's wiring")
    parser.add_argument("--publish", action="store_true", help="write docs/outages.md and docs/outages.svg")
    arguments = parser.parse_args()
    cells: list[Cell] = []
    sys.stdout.write(report.HEAD)
    for kind, sink, fault in _plan(arguments.sinks, arguments.faults, tutorial=not arguments.no_tutorial):
        with ExitStack() as stack:
            cells.append(run(Cell(kind, sink, fault), Sinks(stack), arguments.seconds))
        sys.stdout.write(report.row(cells[-1]))
        sys.stdout.flush()
    if arguments.publish:
        report.publish(cells, datetime.now(UTC))
    failed = [cell for cell in cells if cell.kind == "ours" and report.failures(cell, cells)]
    sys.stdout.write(report.summary(failed, cells))
    sys.exit(bool(failed))


def _plan(sinks: list[str], faults: list[str], *, tutorial: bool) -> Iterator[tuple[str, str, str]]:
    for kind in ("ours", "tutorial") if tutorial else ("ours",):
        if NO_FAULT in faults:
            yield kind, ALL_SINKS, NO_FAULT
        # The tutorial's cells take minutes each: it is measured only with all sinks failing at once.
        for sink in sinks if kind == "ours" else [each for each in sinks if each == ALL_SINKS]:
            yield from ((kind, sink, fault) for fault in faults if fault != NO_FAULT)


if __name__ == "__main__":
    main()
