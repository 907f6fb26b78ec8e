"""Limit how many threads wait for clients: at least half of them always serve requests that have arrived."""

from __future__ import annotations

import threading


class Slots:
    """As many threads as may wait at once, each until it calls `release`."""

    def __init__(self, threads: int) -> None:
        self._free = threading.BoundedSemaphore(max(1, threads // 2))
        self._local = threading.local()

    def acquire(self) -> bool:
        """Return whether the calling thread may wait for its client, now and until it is released."""
        if not getattr(self._local, "is_held", False):
            self._local.is_held = self._free.acquire(blocking=False)
        held: bool = self._local.is_held
        return held

    def release(self) -> None:
        """Give the calling thread's slot back, if it holds one."""
        if getattr(self._local, "is_held", False):
            self._local.is_held = False
            self._free.release()
