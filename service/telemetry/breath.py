"""Keep the sending threads from holding up requests: they compute in short stretches, with pauses between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.002


def in_stretches(items: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    """Yield `items` in slices of `length`, and pause between them.

    A request gives the interpreter's lock up at each of its system calls and asks for it back at once: it would wait
    for a thread that computes until that one's switch interval of 5 ms is over. Giving the lock up for no time
    (`sleep(0)`) costs a switch of threads, and takes it back before the request is through.
    """
    for begin in range(0, len(items), length):
        if begin:
            time.sleep(_PAUSE)
        yield items[begin : begin + length]
