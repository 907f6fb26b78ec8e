"""Begin anew in a forked worker: threads do not survive a fork, and locks may be held for ever."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

_after: set[weakref.WeakMethod[Callable[[], Any]]] = set()


def on_fork(method: Callable[[], Any]) -> None:
    """Call the bound `method` in each process that is forked from now on, as long as its object lives."""
    _after.add(weakref.WeakMethod(method, _after.discard))


def _in_child() -> None:
    for known in tuple(_after):
        method = known()
        if method is not None:
            method()


os.register_at_fork(after_in_child=_in_child)
