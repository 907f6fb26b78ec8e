"""Count delivered and dropped items, and report drops: at most one log line a minute, which is a metric too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from flask_onetrace.telemetry.config import DropMetric
from flask_onetrace.telemetry.export import stderr
from flask_onetrace.telemetry.safe_logging import safe_logger

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

    What the sink that carries the log lines has lost, and why, cannot be told by a line that travels through it: with
    `redact_line`, which takes the secrets out of a line, text and metric are also written to standard error, which the
    container's log driver takes to CloudWatch, and the log line does not have the metric.
    """

    def __init__(
        self,
        sink: str,
        counts: ItemCounts,
        metric: DropMetric | None,
        *,
        redact_line: Callable[[str], str] | None = None,
    ) -> None:
        self._sink = sink
        self._counts = counts
        self._metric = metric
        self._redact_line = redact_line
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
        """Put the first line off by an interval: the caller has just logged the cause.

        Not where that log line travels through the sink itself.
        """
        if self._redact_line is None and self._reported_at == float("-inf"):
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
        message, values = "%s: %d telemetry items dropped, %d since start: %s", (self._sink, count, total, reason)
        logger.warning(message, *values, extra={"fields": self._fields(count, message % values)})

    def _fields(self, count: int, message: str) -> dict[str, Any]:
        """Return the metric as fields of the log line; where it is not to be measured by that, write both here."""
        metric = self._metric
        fields = {} if metric is None else {metric.dimension: self._sink, metric.name: count + self._unmeasured}
        measured = fields if metric is None else fields | _metric_directive(metric)
        if self._redact_line is None:
            return measured
        line = self._redact_line(orjson.dumps({"message": message, **measured}).decode())
        self._unmeasured = 0 if _write_to_stderr(line) else self._unmeasured + count
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


def _write_to_stderr(line: str) -> bool:
    """Write `line`; return False where that would have to wait. A closed standard error has no reader to miss it."""
    try:
        return stderr.write(line.encode() + b"\n") > 0
    except OSError:
        return True
