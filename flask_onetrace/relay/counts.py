"""Count what the relay accepted, dropped and refused, and log what it refused: at most one line a minute."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

logger = logging.getLogger(__name__)

EXTENSION: Final = "relay-counts"
_REPORT_INTERVAL = 60.0


class RelayCounts:
    """The counts of one worker since its start. `refused` is by status and reason, of which there are a few.

    Not a metric, as dropped telemetry is: whoever sends nonsense here would decide when the alarm fires.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._accepted_spans = 0
        self._dropped: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._unreported: Counter[str] = Counter()
        self._reported_at = self._failed_at = float("-inf")

    def accept(self, spans: int, dropped: Mapping[str, int]) -> None:
        """Count a request of which `spans` are forwarded; `dropped` counts the rest by kind."""
        with self._lock:
            self._accepted_spans += spans
            self._dropped.update(dropped)

    def refuse(self, reason: str) -> None:
        """Count a refused request, and log the counts once a minute is over. `reason` is one of a few."""
        with self._lock:
            self._refused[reason] += 1
            self._unreported[reason] += 1
        self.report()

    def is_failure_due(self) -> bool:
        """Return whether an unexpected error may be logged in full: once a minute, as each client can cause one."""
        with self._lock:
            now = self._clock()
            if now - self._failed_at < _REPORT_INTERVAL:
                return False
            self._failed_at = now
            return True

    def report(self) -> None:
        """Log what was refused since the last line, if that is a minute ago."""
        # Without the lock: every health check asks, and mostly there is nothing to report.
        if not self._unreported or self._clock() - self._reported_at < _REPORT_INTERVAL:
            return
        with self._lock:
            counts, self._unreported = self._unreported, Counter()
            self._reported_at = self._clock()
            total = self._refused.total()
        if counts:  # another thread may have reported them
            reasons = ", ".join(f"{count} x {reason}" for reason, count in sorted(counts.items()))
            message = "browser relay: %d requests refused, %d since start: %s"
            logger.warning(message, counts.total(), total, reasons, extra={"fields": {"refused": dict(counts)}})

    def detail(self) -> dict[str, Any]:
        """Return all counts, for the health check."""
        with self._lock:
            return {
                "accepted_spans": self._accepted_spans,
                "dropped": dict(self._dropped),
                "refused": dict(self._refused),
            }
