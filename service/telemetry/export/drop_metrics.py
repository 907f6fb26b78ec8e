"""Count delivered and dropped items, and report drops: at most one log line a minute, which is a metric too."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import orjson

from service.telemetry.config import DropMetric
from service.telemetry.export import stderr
from service.telemetry.safe_logging import safe_logger

logger = safe_logger(__name__)

REPORT_INTERVAL = 60.0


@dataclass(slots=True)
class ItemCounts:
    """Counts of the items of one queue, by outcome.

    `dropped_full`: the queue was full. `dropped_failed`: still unsent when the process ended. `dropped_refused`: the
    sink rejected the item or the credentials, or the item could not be encoded. `dropped_repeated`: there were many of
    the same cause.
    """

    delivered: int = 0
    dropped_full: int = 0
    dropped_failed: int = 0
    dropped_refused: int = 0
    dropped_repeated: int = 0

    @property
    def dropped(self) -> int:
        """All that was dropped."""
        return self.dropped_full + self.dropped_failed + self.dropped_refused + self.dropped_repeated


class DropReport:
    """Log at most once a minute how many items one sink has lost.

    Drops of the sink that carries the log lines cannot be measured by a line that travels through it: with
    `carries_logs`, the metric is written to standard error, which the container's log driver takes to CloudWatch, and
    the log line has only the text.
    """

    def __init__(self, sink: str, counts: ItemCounts, metric: DropMetric | None, *, carries_logs: bool = False) -> None:
        self._sink = sink
        self._counts = counts
        self._metric = metric
        self._carries_logs = carries_logs
        self._lock = threading.Lock()
        self._reported = 0
        self._unmeasured = 0
        """Drops whose metric could not be written to standard error yet: the next one includes them."""
        self._reported_at = float("-inf")
        self._reason: str | None = None

    def note_reason(self, reason: str) -> None:
        """Keep the reason of a drop for the next line: the sink may accept items again before that is due."""
        self._reason = reason

    def delay_first(self) -> None:
        """Put the first line off by an interval: the caller has just logged the cause."""
        if self._reported_at == float("-inf"):
            self._reported_at = time.monotonic()

    def report(self, reason: str, *, now: bool = False) -> None:
        """Log the drops since the last line once an interval is over, or `now`; a noted reason wins over `reason`."""
        with self._lock:
            total = self._counts.dropped
            count = total - self._reported
            if not count or not (now or time.monotonic() - self._reported_at >= REPORT_INTERVAL):
                return
            self._reported, self._reported_at = total, time.monotonic()
            reason, self._reason = self._reason or reason, None
        message = "%s: %d telemetry items dropped, %d since start: %s"
        logger.warning(message, self._sink, count, total, reason, extra={"fields": self._fields(count)})

    def _fields(self, count: int) -> dict[str, Any]:
        """Return the metric as fields of the log line; where it is not to be measured by that, write it here."""
        if self._metric is None:
            return {}
        fields = {self._metric.dimension: self._sink, self._metric.name: count + self._unmeasured}
        measured = fields | _metric_directive(self._metric)
        if not self._carries_logs:
            return measured
        self._unmeasured = 0 if _write_to_stderr(measured) else self._unmeasured + count
        return fields


def _metric_directive(metric: DropMetric) -> dict[str, Any]:
    """Return the field by which CloudWatch makes a metric of the line ("Embedded metric format specification").

    One metric for each sink, for people, and one total, for the alarm. Each costs $0.30 a month, prorated by the hours
    with drops.
    """
    directive = {
        "Namespace": metric.namespace,
        "Dimensions": [[metric.dimension], []],
        "Metrics": [{"Name": metric.name, "Unit": "Count"}],
    }
    return {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}


def _write_to_stderr(fields: dict[str, Any]) -> bool:
    """Write one line; return False where that would have to wait. A closed standard error has no reader to miss it."""
    try:
        return stderr.write(orjson.dumps(fields) + b"\n") > 0
    except OSError:
        return True
