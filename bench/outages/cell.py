"""Run one cell: a service, the sinks that fail, and the fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.load import Load
from bench.testbed.fake_servers import Mode
from bench.testbed.service_process import Service, start
from bench.testbed.sinks import SINKS, Sinks, expected_items

ALL_SINKS = "all four"
NO_FAULT = "none"
DNS_FAILURE = "DNS failure"
KILLED = "killed mid-run and back"
FAULTS: dict[str, Mode] = {
    NO_FAULT: Mode.LIVE,
    "refused": Mode.REFUSED,
    "accepts and hangs": Mode.HANG,
    "slow drip": Mode.DRIP,
    "429 / throttling": Mode.THROTTLED,
    "503": Mode.UNAVAILABLE,
    "connection reset": Mode.RESET,
    DNS_FAILURE: Mode.LIVE,
    KILLED: Mode.REFUSED,
}
"""The mode of the failing sinks, by the fault's name in the table."""
_START_TIMEOUT = {"ours": 20.0, "tutorial": 30.0}
_STOP_TIMEOUT = {"ours": 15.0, "tutorial": 30.0}
_RECOVERY_TIMEOUT = 40.0
"""Seconds: a retry comes after at most 5, and then the queued items must be sent."""


@dataclass
class Cell:
    """The measurements of one service. Times in seconds, latencies in milliseconds; None where it was not measured."""

    kind: str
    sink: str
    fault: str
    start_seconds: float | None = None
    live: Load | None = None
    failing: Load | None = None
    after: Load | None = None
    threads: int = 0
    growth: float = 0.0
    """MiB by which the worker's resident memory grew since its start."""
    dropped: int | None = None
    unaccounted: int | None = None
    """Items that were neither received by their sink nor counted as dropped."""
    recovered: bool | None = None
    """Whether all queued items were delivered once the sink was back."""
    exit_seconds: float | None = None

    @property
    def failing_sinks(self) -> tuple[str, ...]:
        """The names of the sinks that fail."""
        return SINKS if self.sink == ALL_SINKS else (self.sink,)


def run(cell: Cell, sinks: Sinks, seconds: float) -> Cell:
    """Run one cell, with `seconds` of load in each phase."""
    starts_live = cell.fault in {NO_FAULT, KILLED, DNS_FAILURE}
    unresolvable = cell.failing_sinks if cell.fault == DNS_FAILURE else ()
    if not starts_live:
        sinks.set(cell.failing_sinks, FAULTS[cell.fault])
    service = start(cell.kind, sinks.environment(unresolvable), _START_TIMEOUT[cell.kind])
    if service is None:
        return cell
    cell.start_seconds = service.start_seconds
    try:
        if not starts_live:
            sinks.set(cell.failing_sinks, Mode.LIVE)
            _wait(lambda: _is_idle(service), _RECOVERY_TIMEOUT)
        _measure(cell, service, sinks, seconds)
    finally:
        cell.exit_seconds = service.stop(_STOP_TIMEOUT[cell.kind])
    if cell.kind == "ours" and cell.fault == NO_FAULT:
        expected = expected_items(service.responses)
        # Rollbar's items of one cause beyond its budget are dropped: they were counted while the service ran.
        expected["rollbar"] = 0
        _wait(lambda: not _missing(expected, sinks.received()), 2.0)
        cell.unaccounted = (cell.unaccounted or 0) + _missing(expected, sinks.received())
    return cell


def _missing(expected: Mapping[str, int], received: Mapping[str, int]) -> int:
    """Return how many items are missing. More than expected is no loss, such as a line about dropped items."""
    return sum(max(0, count - received[name]) for name, count in expected.items())


def _measure(cell: Cell, service: Service, sinks: Sinks, seconds: float) -> None:
    mode = FAULTS[cell.fault]
    service.load(0.5)
    cell.live = service.load(seconds)
    sinks.set(cell.failing_sinks, mode)
    cell.failing = service.load(seconds)
    if mode is not Mode.LIVE:
        sinks.set(cell.failing_sinks, Mode.LIVE)
    cell.after = service.load(seconds)
    if cell.fault not in {NO_FAULT, DNS_FAILURE}:
        cell.recovered = _recovers(cell, service, sinks)
        _account(cell, service, sinks)
    elif cell.fault == NO_FAULT and cell.kind == "ours":
        _wait(lambda: _is_idle(service), _RECOVERY_TIMEOUT)
        _account(cell, service, sinks)
    service.sample()
    cell.threads, cell.growth = service.maximum_threads, service.maximum_rss - service.minimum_rss
    sinks.set(cell.failing_sinks, mode)
    service.load(1.0)


def _recovers(cell: Cell, service: Service, sinks: Sinks) -> bool:
    """Wait until the queues are empty; of the tutorial, until each failing sink receives something again."""
    if cell.kind == "ours":
        return _wait(lambda: _is_idle(service), _RECOVERY_TIMEOUT)
    before = sinks.received()
    return _wait(lambda: all(sinks.received()[name] > before[name] for name in cell.failing_sinks), _RECOVERY_TIMEOUT)


def _account(cell: Cell, service: Service, sinks: Sinks) -> None:
    """Count the items that the requests caused and that were neither received nor counted as dropped."""
    detail = service.detail()
    if cell.kind != "ours":
        return
    time.sleep(1.0)  # the request for the details is itself exported
    dropped = {name: sum(detail[name]["dropped"].values()) for name in SINKS}
    received, expected = sinks.received(), expected_items(service.responses)
    cell.dropped = sum(dropped.values())
    # More than expected is not a loss: the service's own line about dropped items, and a batch sent again after its
    # response was cut off.
    cell.unaccounted = sum(max(0, expected[name] - received[name] - dropped[name]) for name in SINKS)


def _is_idle(service: Service) -> bool:
    """Return whether all queues are empty and no sink fails; always true of the tutorial, which reports neither."""
    detail = service.detail()
    # The request for the details is itself queued during its response.
    return all(sink["queued"] <= 2 and "last_error" not in sink for name, sink in detail.items() if name in SINKS)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return result
