"""Decide at a request's end: one that failed or was slow is kept, whatever the sampling rule had decided.

This is tail sampling, as X-Ray's anomaly span capture ("Configuring adaptive sampling", X-Ray Developer Guide) and
the OpenTelemetry Collector have it. Up to a limit a second each kept request represents itself; beyond it, in a storm
of errors, requests are sampled, and each represents those of its kind that were not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sampling.rule import Decision, random_draw

logger = safe_logger(__name__)

_REPORT_SECONDS: Final = 60.0


class TailSampler:
    """Keep requests that failed or were slow, about `per_second` of them in each process; none if that is 0.

    In a second the first ones are all kept. Then half of the requests are, each for two, until half of the limit again
    is kept; then a quarter, and so on. The next second begins with the share that would have met the limit in the last.
    So the kept ones stay near the limit, and what they represent stays right on average.
    """

    def __init__(
        self,
        per_second: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random_draw,
    ) -> None:
        self.per_second = per_second
        self._clock = clock
        self._draw = draw
        self.kept = 0
        """Requests that were kept for their failure or their duration, in this process."""
        self.not_kept = 0
        """Such requests beyond the limit."""
        self._reported = 0
        self._report_at = 0.0
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._seen = 0
        self._weight = 1
        """How many requests each one represents that is kept now."""
        self._left = self.per_second
        """How many more are kept before the weight doubles."""

    def decide(self, head: Decision) -> Decision:
        """Return the decision for a request that failed or was slow, which the sampling rule had decided as `head`."""
        if not self.per_second:
            return head
        with self._lock:
            decision = self._decide(head)
            if decision.sampled:
                self.kept += 1
            else:
                self.not_kept += 1
        return decision

    def _decide(self, head: Decision) -> Decision:
        self._enter_second(int(self._clock()))
        self._seen += 1
        weight = self._weight
        if head.probability * weight > 1 or (head.sampled and head.probability == 1):
            return head  # the rule keeps more of them than the limit would
        # Of those that the rule has dropped so many are kept that each had a chance of one in `weight`.
        missing = 1 / weight - head.probability
        if not head.sampled and self._draw() * (1 - head.probability) >= missing:
            return head
        self._left -= 1
        if self._left <= 0:
            self._weight *= 2
            self._left = max(1, self.per_second // 2)
        return head._replace(sampled=True, rate=weight)

    def _enter_second(self, second: int) -> None:
        if second == self._second:
            return
        seen = self._seen if second == self._second + 1 else 0
        self._second, self._seen = second, 0
        self._weight = max(1, -(-seen // self.per_second))
        self._left = self.per_second

    def report(self) -> None:
        """Log what was beyond the limit, once a minute at most."""
        beyond = self.not_kept - self._reported
        if not beyond or time.monotonic() < self._report_at:
            return
        self._report_at = time.monotonic() + _REPORT_SECONDS
        self._reported = self.not_kept
        logger.warning(
            "%d requests that failed or were slow have no trace: over TAIL_SAMPLING_PER_SECOND=%d of them came in a"
            " second, so each that was kept represents others by its sample rate",
            beyond,
            self.per_second,
        )
