"""Reset objects in a forked worker: threads do not survive a fork, and locks may stay held forever."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

_resets: set[weakref.WeakMethod[Callable[[], Any]]] = set()


def on_fork(reset: Callable[[], Any]) -> None:
    """Call the bound method `reset` in each process that is forked from now on, as long as its object lives."""
    _resets.add(weakref.WeakMethod(reset, _resets.discard))


def _in_child() -> None:
    for reference in tuple(_resets):
        reset = reference()
        if reset is not None:
            reset()


os.register_at_fork(after_in_child=_in_child)
