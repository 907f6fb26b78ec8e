"""Let each sink fail in each way under load, and print what the service's callers notice: `make drill`.

A cell is one service in a process of its own. It starts while its sink fails, comes to serve, and is then measured
live, failing and live again, in the same minute; at the end it is told to stop while the sink fails again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.load import Load
from bench.outages import report
from bench.outages.fake_servers import Mode
from bench.outages.service_process import SINKS, Service, Sinks, expected, start

ALL = "all four"
UNRESOLVABLE = "DNS failure"
KILLED = "killed mid-run and back"
NONE = "none"
FAULTS: dict[str, Mode] = {
    NONE: Mode.LIVE,
    "refused": Mode.REFUSED,
    "accepts and hangs": Mode.HANG,
    "slow drip": Mode.DRIP,
    "429 / throttling": Mode.THROTTLED,
    "503": Mode.UNAVAILABLE,
    "connection reset": Mode.RESET,
    UNRESOLVABLE: Mode.LIVE,
    KILLED: Mode.REFUSED,
}
_START = {"ours": 20.0, "tutorial": 30.0}
_STOP = {"ours": 15.0, "tutorial": 30.0}
_RECOVERY = 40.0
"""Seconds: the longest pause between two attempts is 5, and what is held is to be sent then."""


@dataclass
class Cell:
    """What one service did. Times in seconds, latencies in milliseconds; None where it did not come to that."""

    kind: str
    sink: str
    fault: str
    started: float | None = None
    live: Load | None = None
    failing: Load | None = None
    after: Load | None = None
    threads: int = 0
    growth: float = 0.0
    """MiB of the worker's resident memory, from its start."""
    dropped: int | None = None
    unaccounted: int | None = None
    """Items neither taken by their sink nor counted as dropped."""
    recovered: bool | None = None
    """Whether all that was held came through when the sink was back."""
    stopped: float | None = None


def main() -> None:
    """Run the cells that are asked for, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m bench.outages", description=__doc__)
    parser.add_argument("--sinks", nargs="+", default=[ALL, *SINKS], help=f"of {ALL!r}, {', '.join(SINKS)}")
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), help=f"of {', '.join(map(repr, FAULTS))}")
    parser.add_argument("--seconds", type=float, default=4.0, help="of load in each phase")
    parser.add_argument("--no-tutorial", action="store_true", help="leave the 'before' out")
    parser.add_argument("--publish", action="store_true", help="write docs/outages.md and docs/outages.svg")
    asked = parser.parse_args()
    cells: list[Cell] = []
    sys.stdout.write(report.HEAD)
    for kind, sink, fault in _planned(asked.sinks, asked.faults, tutorial=not asked.no_tutorial):
        with ExitStack() as stack:
            cells.append(run(Cell(kind, sink, fault), Sinks(stack), asked.seconds))
        sys.stdout.write(report.row(cells[-1]))
        sys.stdout.flush()
    if asked.publish:
        report.publish(cells, datetime.now(UTC))
    failed = [cell for cell in cells if cell.kind == "ours" and report.failures(cell, cells)]
    sys.stdout.write(report.verdict(failed, cells))
    sys.exit(bool(failed))


def _planned(sinks: list[str], faults: list[str], *, tutorial: bool) -> Iterator[tuple[str, str, str]]:
    for kind in ("ours", "tutorial") if tutorial else ("ours",):
        if NONE in faults:
            yield kind, ALL, NONE
        # The tutorial's cells take minutes each: it is measured with everything failing at once.
        for sink in sinks if kind == "ours" else [each for each in sinks if each == ALL]:
            yield from ((kind, sink, fault) for fault in faults if fault != NONE)


def run(cell: Cell, sinks: Sinks, seconds: float) -> Cell:
    """Run one cell."""
    failing = _failing(cell)
    mode = FAULTS[cell.fault]
    begins_live = cell.fault in {NONE, KILLED, UNRESOLVABLE}
    unresolvable = failing if cell.fault == UNRESOLVABLE else ()
    if not begins_live:
        sinks.set(failing, mode)
    service = start(cell.kind, sinks.environment(unresolvable), _START[cell.kind])
    if service is None:
        return cell
    cell.started = service.started
    try:
        if not begins_live:
            sinks.set(failing, Mode.LIVE)
            _wait(lambda: _is_calm(service), _RECOVERY)
        _measure(cell, service, sinks, seconds)
    finally:
        cell.stopped = service.stop(_STOP[cell.kind])
    if cell.kind == "ours" and cell.fault == NONE:
        _wait(lambda: sinks.taken() == expected(service.asked), 2.0)
        cell.unaccounted = sum(abs(want - sinks.taken()[name]) for name, want in expected(service.asked).items())
    return cell


def _failing(cell: Cell) -> tuple[str, ...]:
    return SINKS if cell.sink == ALL else (cell.sink,)


def _measure(cell: Cell, service: Service, sinks: Sinks, seconds: float) -> None:
    failing, mode = _failing(cell), FAULTS[cell.fault]
    service.load(0.5)
    cell.live = service.load(seconds)
    sinks.set(failing, mode)
    cell.failing = service.load(seconds)
    if mode is not Mode.LIVE:
        sinks.set(failing, Mode.LIVE)
    cell.after = service.load(seconds)
    if cell.fault not in {NONE, UNRESOLVABLE}:
        before = sinks.taken()
        cell.recovered = _wait(lambda: _is_calm(service), _RECOVERY) if cell.kind == "ours" else None
        if cell.kind == "tutorial":
            cell.recovered = _wait(lambda: all(sinks.taken()[name] > before[name] for name in failing), _RECOVERY)
    if cell.fault not in {NONE, UNRESOLVABLE}:
        _account(cell, service, sinks)
    service.look()
    cell.threads, cell.growth = service.most_threads, service.most_rss - service.least_rss
    sinks.set(failing, mode)
    service.load(1.0)


def _account(cell: Cell, service: Service, sinks: Sinks) -> None:
    """Compare what each sink took, and what is counted as dropped, with what the requests must have caused."""
    detail = service.detail()
    if cell.kind != "ours":
        return
    time.sleep(1.0)  # the request for the details is itself on its way to the sinks
    dropped = {name: sum(detail[name]["dropped"].values()) for name in SINKS}
    taken, wanted = sinks.taken(), expected(service.asked)
    cell.dropped = sum(dropped.values())
    # More than wanted is no loss: the service's own line about what it dropped, and a batch whose answer was cut off.
    cell.unaccounted = sum(max(0, wanted[name] - taken[name] - dropped[name]) for name in SINKS)


def _is_calm(service: Service) -> bool:
    """Return whether nothing waits any more and no sink fails; of the tutorial nothing can be known."""
    detail = service.detail()
    # The request for the details is itself queued while it is answered.
    return all(sink["queued"] <= 2 and "last_error" not in sink for name, sink in detail.items() if name in SINKS)


def _wait(look: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


if __name__ == "__main__":
    main()
