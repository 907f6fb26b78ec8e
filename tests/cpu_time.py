"""Measure the growth of CPU time, a ratio that does not depend on the speed and the load of the machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final, TypeVar

Input = TypeVar("Input")

ROUNDS: Final = 3
"""Measurements of each size, of which the least counts."""
COMPARISONS: Final = 3
"""Measurements of a growth, of which the least counts."""
FACTOR: Final = 4
"""The ratio of the sizes of two inputs, and of their times if work is linear; if it is quadratic, the ratio is 16."""
LINEAR: Final = 8.0
"""The largest growth of linear work: the geometric mean of 4 (linear) and 16 (quadratic)."""
CONSTANT: Final = 2.0
"""The largest growth of constant work: the geometric mean of 1 (constant) and 4 (linear)."""
SHORTEST_SECONDS: Final = 0.0005
"""The floor of the shorter input's time: shorter ones are mostly noise, and quadratic work takes far longer."""


def cpu_seconds(work: Callable[[Input], object], make: Callable[[int], Input], size: int) -> float:
    """Return the least CPU seconds of this thread for `work(make(size))`, without garbage collection.

    Each round's input is longer than the last by one, so that no cache has it.
    """
    return min(_once(work, make(size + number)) for number in range(ROUNDS))


def growth(work: Callable[[Input], object], make: Callable[[int], Input], size: int) -> float:
    """Return the ratio of the CPU times of `work` for inputs of `size` and of `size // FACTOR`.

    Other load can distort one comparison, so the least of `COMPARISONS` counts.
    """
    return min(_growth(work, make, size) for _ in range(COMPARISONS))


def _growth(work: Callable[[Input], object], make: Callable[[int], Input], size: int) -> float:
    # Alternately, as the load of the machine changes over time.
    rounds = [(_once(work, make(size // FACTOR + each)), _once(work, make(size + each))) for each in range(ROUNDS)]
    shorter, longer = min(each[0] for each in rounds), min(each[1] for each in rounds)
    return longer / max(shorter, SHORTEST_SECONDS)


def repeated(part: str) -> Callable[[int], str]:
    """Return a function of a size that returns that many characters of `part`, repeated."""
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
