"""Count busy threads and the requests that wait for one, and log it while threads are scarce: one line a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from typing import Final

from flask_onetrace.contract import (
    QUEUE_SECONDS_FIELD,
    REQUESTS_WAITING_FIELD,
    THREADS_BUSY_FIELD,
    THREADS_LOGGER,
    THREADS_TOTAL_FIELD,
)

logger = logging.getLogger(THREADS_LOGGER)

REPORT_INTERVAL: Final = 60.0
BUSY_SHARE: Final = 0.8
"""The share of busy threads from which on there is a line, though no request waits."""
SHORTEST_WAIT: Final = 0.1
"""Seconds: shorter waits are those of a busy service, whose threads take turns."""


class ThreadUsage:
    """The threads of a worker. `served` holds what they serve, and what waits for one of them.

    Only a request that finds all threads busy is timed: others cost nothing here.
    """

    def __init__(self, threads: int, served: Collection[object]) -> None:
        self._total = threads
        self._served = served
        self._queued: dict[object, float] = {}
        """When the requests that wait for a thread were complete, the longest wait first."""
        self._lock = threading.Lock()
        self._reported_at = float("-inf")
        self._reset()

    def _reset(self) -> None:
        """Forget the peaks that have been reported."""
        self._most_busy = self._most_waiting = 0
        self._longest_wait = 0.0

    def enqueue(self, request: object) -> None:
        """Note that a request waits for a thread."""
        self._queued[request] = time.monotonic()
        self._most_waiting = max(self._most_waiting, len(self._queued))

    def begin(self, request: object) -> None:
        """Note, on its thread, that a request waits no longer."""
        seconds = time.monotonic() - self._queued.pop(request)
        with self._lock:
            self._longest_wait = max(self._longest_wait, seconds)

    def current(self) -> dict[str, float]:
        """Return the fields of the log line, as of now."""
        queued = [*self._queued.values()]
        return {
            THREADS_BUSY_FIELD: max(0, min(self._total, len(self._served) - len(queued))),
            THREADS_TOTAL_FIELD: self._total,
            REQUESTS_WAITING_FIELD: len(queued),
            QUEUE_SECONDS_FIELD: round(time.monotonic() - queued[0], 3) if queued else 0.0,
        }

    def report(self) -> None:
        """Log the peaks since the last line, at most once a minute, if threads were scarce."""
        current = self.current()
        with self._lock:
            busy = self._most_busy = max(self._most_busy, int(current[THREADS_BUSY_FIELD]))
            wait = self._longest_wait = max(self._longest_wait, current[QUEUE_SECONDS_FIELD])
            if time.monotonic() - self._reported_at < REPORT_INTERVAL:
                return
            waiting = self._most_waiting
            self._reset()
            self._most_waiting = int(current[REQUESTS_WAITING_FIELD])
        is_starved = wait >= SHORTEST_WAIT
        busy = self._total if is_starved else busy
        if busy < BUSY_SHARE * self._total:
            return
        self._reported_at = time.monotonic()
        logger.log(
            logging.WARNING if is_starved else logging.INFO,
            "%d of %d threads busy, %d requests waiting for one, the longest for %.1f s: if this lasts, raise"
            " WEB_THREADS or the number of tasks",
            busy,
            self._total,
            waiting,
            wait,
            extra={
                THREADS_BUSY_FIELD: busy,
                THREADS_TOTAL_FIELD: self._total,
                REQUESTS_WAITING_FIELD: waiting,
                QUEUE_SECONDS_FIELD: round(wait, 3),
            },
        )
