"""Count what becomes of a queue's items, and say what is dropped: in one line a minute, which is a metric too."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import orjson

from service.contract import DROPPED_METRIC, METRICS_NAMESPACE, SINK_DIMENSION

logger = logging.getLogger(__name__)

SAY_EVERY = 60.0


@dataclass(slots=True)
class Counts:
    """What became of the items of one queue.

    `dropped_full`: there was no room. `dropped_failed`: still unsent when the process ended. `dropped_refused`: the
    sink takes such an item never, or nothing with these credentials, or it cannot be written as the sink wants it.
    """

    delivered: int = 0
    dropped_full: int = 0
    dropped_failed: int = 0
    dropped_refused: int = 0

    @property
    def dropped(self) -> int:
        """All that was dropped."""
        return self.dropped_full + self.dropped_failed + self.dropped_refused


class DropReport:
    """Say once a minute at most how many items one sink has lost.

    What the sink of the log lines loses cannot be measured by a line that travels through it: where the sink
    `carries_logs`, the metric is written to standard error, which the container's own log driver takes to CloudWatch,
    and the line says the rest.
    """

    def __init__(self, sink: str, counts: Counts, *, carries_logs: bool = False) -> None:
        self._sink = sink
        self._counts = counts
        self._carries_logs = carries_logs
        self._lock = threading.Lock()
        self._said = 0
        self._said_at = float("-inf")
        self._because: str | None = None

    def because(self, why: str) -> None:
        """Note why items are being dropped, for the next line: the sink may take others before that is due."""
        self._because = why

    def said(self) -> None:
        """Take the first line as said: another has said more."""
        if self._said_at == float("-inf"):
            self._said_at = time.monotonic()

    def say(self, why: str, *, now: bool = False) -> None:
        """Write the line if there is something new to say, and a minute is over since the last one; or `now`.

        `why` is said where no other reason was noted.
        """
        with self._lock:
            dropped = self._counts.dropped
            since = dropped - self._said
            if not since or not (now or time.monotonic() - self._said_at >= SAY_EVERY):
                return
            self._said, self._said_at = dropped, time.monotonic()
            why, self._because = self._because or why, None
        fields: dict[str, Any] = {SINK_DIMENSION: self._sink, DROPPED_METRIC: since}
        if self._carries_logs:
            _write_beside(fields | _directive())
        else:
            fields |= _directive()
        logger.warning(
            "telemetry for %s was dropped: %d items, %d in all (%s)",
            self._sink,
            since,
            dropped,
            why,
            extra={"fields": fields},
        )


def _write_beside(fields: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, ValueError):  # no one reads it, or it is closed
        sys.stderr.write(orjson.dumps(fields).decode() + "\n")
        sys.stderr.flush()


def _directive() -> dict[str, Any]:
    """Return the field by which CloudWatch makes a metric of the line ("Embedded metric format specification").

    One of each sink, for people, and one of all together, for the alarm: one metric is a third of a dollar a month,
    and is there only while something is dropped.
    """
    metrics = [{"Name": DROPPED_METRIC, "Unit": "Count"}]
    directive = {"Namespace": METRICS_NAMESPACE, "Dimensions": [[SINK_DIMENSION], []], "Metrics": metrics}
    return {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}
