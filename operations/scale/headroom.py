"""Find the load at which each limit is reached, and which is reached first in each decade."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from operations.scale.limits import Limit
from operations.scale.load import Load

DECADES: Final = (1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0)
"""Requests a second."""
LARGEST: Final = 1e7
SMALLEST: Final = 0.1
_STEPS: Final = 400
_FULL_TASKS: Final = 200
_FINE_STEPS: Final = 1 << 20
"""Of the interval of the scan in which the limit is reached."""


@dataclass(frozen=True, slots=True)
class Row:
    """A limit, its utilization at each of the loads, and the load at which it is reached."""

    limit: Limit
    utilization: Sequence[float]
    reached_at: float | None
    """Requests a second, the least at which more than all of it is used; None up to ten million."""


def rows_of(limits: Sequence[Limit], load_at: Callable[[float], Load], at: Sequence[float] = DECADES) -> list[Row]:
    """Return a row for each limit with a value, the one that is reached first at the top."""
    loads = [load_at(requests) for requests in at]
    rows = [
        Row(limit, [limit.utilization(load) for load in loads], reached_at(limit, load_at))
        for limit in limits
        if limit.value is not None
    ]
    return sorted(rows, key=lambda row: (row.reached_at or float("inf"), -row.utilization[-1]))


def reached_at(limit: Limit, load_at: Callable[[float], Load]) -> float | None:
    """Return the least load that uses more than all of `limit`, to three digits.

    The whole range is scanned, as a utilization falls with each further task. It is greatest just before: the scan has
    these loads too.
    """

    def exceeds(requests: float) -> bool:
        return limit.utilization(load_at(requests)) > 1

    grid = _grid(load_at(SMALLEST))
    if exceeds(SMALLEST):
        return SMALLEST
    for below, above in pairwise(grid):
        if exceeds(above):
            step = (above - below) / _FINE_STEPS
            reached = below + step * bisect_right(range(_FINE_STEPS), 0, key=lambda at: exceeds(below + step * at))
            return float(f"{reached:.3g}")
    return None


def _grid(load: Load) -> list[float]:
    """Return the loads to scan, ascending."""
    of_task = load.service.scaling.requests_per_task(load.measured.requests_per_vcpu)
    full = (of_task * tasks for tasks in range(1, _FULL_TASKS + 1))
    even = (SMALLEST * (LARGEST / SMALLEST) ** (step / _STEPS) for step in range(_STEPS + 1))
    return sorted({*even, *(each for each in full if SMALLEST < each < LARGEST)})


def first_between(rows: Sequence[Row], low: float, high: float) -> Row | None:
    """Return the row that is reached first above `low` and up to `high` requests a second, None where none is."""
    return next((row for row in rows if row.reached_at is not None and low < row.reached_at <= high), None)
