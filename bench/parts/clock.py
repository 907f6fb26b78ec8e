"""Measure CPU time and memory of this process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Run = Callable[[int], tuple[float, ...]]
"""Repeats the work a number of times, and returns the part's figures for one repetition."""


class Ports(NamedTuple):
    """The ports of 127.0.0.1 that receive what is sent."""

    http: int
    udp: int

    @property
    def url(self) -> str:
        """The base URL of the HTTP receiver."""
        return f"http://127.0.0.1:{self.http}"


def microseconds(repeat: Callable[[int], object]) -> Run:
    """Return a run that takes the CPU time of `repeat`, all threads', in microseconds for each repetition."""

    def run(count: int) -> tuple[float]:
        start = time.process_time()
        repeat(count)
        return ((time.process_time() - start) / count * 1e6,)

    return run


class Stopwatch:
    """Add up the CPU time of blocks, of the calling thread and of all threads."""

    def __init__(self) -> None:
        self.thread = self.process = 0.0

    def __enter__(self) -> None:
        self.process -= time.process_time()
        self.thread -= time.thread_time()

    def __exit__(self, *_: object) -> None:
        self.thread += time.thread_time()
        self.process += time.process_time()


def resident_mib() -> float:
    """Return the resident memory: `ru_maxrss` would begin with that of the process that started this one."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1024 / 1024
