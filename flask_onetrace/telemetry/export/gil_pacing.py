"""Keep the exporting threads from slowing requests down: they compute in short slots, spaced across all threads.

A request releases the interpreter lock (GIL) at each system call and needs it back at once. A thread that computes
makes it wait for a whole switch interval of 5 ms, and a second one for another. Releasing the lock for no time
(`sleep(0)`) costs a thread switch, and takes the lock back before the request is through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_INTERVAL = 0.001
"""Seconds from one slot to the next: longer than most requests take, so that none waits for two of them."""


class _Schedule:
    """When the next slot begins, by the monotonic clock. Without a lock: two threads may get one slot."""

    next_slot = 0.0


class _Thread(threading.local):
    is_urgent: Callable[[], bool] = staticmethod(lambda: False)


_thread = _Thread()


def bypass_while(is_urgent: Callable[[], bool]) -> None:
    """Let the calling thread skip the pacing while `is_urgent()`, as when its queue would overflow."""
    _thread.is_urgent = is_urgent


def wait_for_slot() -> None:
    """Return when the calling thread may compute for some tenths of a millisecond."""
    if _thread.is_urgent():
        return
    now = time.monotonic()
    slot = max(now, _Schedule.next_slot)
    _Schedule.next_slot = slot + _INTERVAL
    if slot > now:
        time.sleep(slot - now)


def paced_chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield `items` in chunks of `size`, each in a slot of its own."""
    for start in range(0, len(items), size):
        wait_for_slot()
        yield items[start : start + size]
