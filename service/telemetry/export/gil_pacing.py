"""Keep the sending threads from holding up requests: they compute in short stretches, all of them by turns.

A request gives the interpreter's lock up at each of its system calls and asks for it back at once: it would wait for a
thread that computes until that one's switch interval of 5 ms is over, and for the next one after that. Giving the lock
up for no time (`sleep(0)`) costs a switch of threads, and takes it back before the request is through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_APART = 0.001
"""Seconds from one turn to the next: longer than most requests take, so that none waits for two of them."""


class _Turns:
    """When the next turn is, by the monotonic clock. There is no lock: two that ask at once may go at once."""

    next = 0.0


class _Thread(threading.local):
    is_behind: Callable[[], bool] = staticmethod(lambda: False)


_thread = _Thread()


def skip_turns_while(is_behind: Callable[[], bool]) -> None:
    """Have the calling thread wait for no turn while it `is_behind`: then what waits must go, or it will be dropped."""
    _thread.is_behind = is_behind


def wait_for_turn() -> None:
    """Return when the calling thread may compute for some tenths of a millisecond."""
    if _thread.is_behind():
        return
    now = time.monotonic()
    turn = max(now, _Turns.next)
    _Turns.next = turn + _APART
    if turn > now:
        time.sleep(turn - now)


def in_stretches(items: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    """Yield `items` in slices of `length`, each at a turn of its own."""
    for begin in range(0, len(items), length):
        wait_for_turn()
        yield items[begin : begin + length]
