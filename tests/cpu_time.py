"""CPU time as ratios, which are the same on a slow machine, a busy one and a fast one."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final, TypeVar

Input = TypeVar("Input")

ROUNDS: Final = 3
COMPARISONS: Final = 3
FACTOR: Final = 4
"""The longer input is so many times the shorter one: linear work takes 4 times as long, quadratic work 16 times."""
LINEAR: Final = 8.0
"""The growth half-way between linear and quadratic, as a ratio."""
CONSTANT: Final = 2.0
"""The growth half-way between constant and linear, as a ratio."""
SHORTEST_SECONDS: Final = 0.0005
"""Shorter times count as this one: they are mostly noise, and quadratic work at these sizes takes far longer."""


def cpu_seconds(work: Callable[[Input], object], make: Callable[[int], Input], size: int) -> float:
    """Return the least CPU seconds that `work` takes on an input that `make` makes of a size.

    The time is this thread's, without garbage collection: other threads and processes take no part in it. Each
    round's input is longer than the last by one, so that no cache has it.
    """
    return min(_once(work, make(size + number)) for number in range(ROUNDS))


def growth(work: Callable[[Input], object], make: Callable[[int], Input], size: int) -> float:
    """Return by which factor the CPU time of `work` grows from an input of `size` / `FACTOR` to one of `size`.

    A busy machine only ever makes one side of a comparison slower, so the least of some comparisons counts.
    """
    return min(_growth(work, make, size) for _ in range(COMPARISONS))


def _growth(work: Callable[[Input], object], make: Callable[[int], Input], size: int) -> float:
    # Side by side, as a busy machine is slower in some moments than in others.
    rounds = [(_once(work, make(size // FACTOR + each)), _once(work, make(size + each))) for each in range(ROUNDS)]
    shorter, longer = min(each[0] for each in rounds), min(each[1] for each in rounds)
    return longer / max(shorter, SHORTEST_SECONDS)


def repeated(part: str) -> Callable[[int], str]:
    """Return a function that repeats `part` up to a number of characters."""
    return lambda size: (part * (size // len(part) + 1))[:size]


def _once(work: Callable[[Input], object], value: Input) -> float:
    collects = gc.isenabled()
    gc.disable()
    try:
        start = time.thread_time()
        work(value)
        return time.thread_time() - start
    finally:
        if collects:
            gc.enable()
