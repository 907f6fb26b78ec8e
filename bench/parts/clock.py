"""Measure CPU time and memory of this process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Run = Callable[[int], float]
"""Repeats the work that often, and returns the figure of one repetition."""


class Ports(NamedTuple):
    """The ports of 127.0.0.1 that receive what is sent."""

    http: int
    udp: int

    @property
    def url(self) -> str:
        """The base URL of the HTTP receiver."""
        return f"http://127.0.0.1:{self.http}"


def microseconds(repeat: Callable[[int], object], clock: Callable[[], float] = time.process_time) -> Run:
    """Return a run that takes the CPU time of `repeat`, in microseconds for each repetition.

    `clock` is that of the whole process, or `time.thread_time`.
    """

    def run(count: int) -> float:
        start = clock()
        repeat(count)
        return (clock() - start) / count * 1e6

    return run


def resident_mib() -> float:
    """Return the resident memory: `ru_maxrss` would begin with that of the process that started this one."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1024 / 1024
