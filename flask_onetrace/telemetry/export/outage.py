"""Report that a sink accepts nothing: without a line, its items would wait unseen until the queue is full."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import orjson

from flask_onetrace.telemetry.export import stderr
from flask_onetrace.telemetry.safe_logging import safe_logger

logger = safe_logger(__name__)

REPORT_SECONDS = 3.0
"""Of failed attempts until the first line: a connection that breaks or a throttled call is not worth one."""
REPORT_INTERVAL = 600.0


class OutageReport:
    """Log the outage of one sink once it has lasted some seconds, every ten minutes after that, and its end.

    The sink that carries the log lines cannot be told of by a line that travels through it: with `redact_line`, as in
    `DropReport`, the text is also written to standard error.
    """

    def __init__(self, sink: str, *, redact_line: Callable[[str], str] | None = None) -> None:
        self._sink = sink
        self._redact_line = redact_line
        self._since: float | None = None
        self._reported_at: float | None = None

    def failed(self, began: float, error: str) -> None:
        """Note an attempt that failed and is repeated; it `began` at that time of the monotonic clock."""
        if self._since is None:
            self._since = began
        now = time.monotonic()
        due = self._since + REPORT_SECONDS if self._reported_at is None else self._reported_at + REPORT_INTERVAL
        if now < due:
            return
        self._reported_at = now
        message, values = "%s has accepted nothing for %.0f s, retrying: %s", (self._sink, now - self._since, error)
        logger.warning(message, *values)
        if self._redact_line is not None:
            line = self._redact_line(orjson.dumps({"message": message % values}).decode())
            with suppress(OSError):
                stderr.write(line.encode() + b"\n")

    def ended(self) -> None:
        """Note that the sink has accepted something, or has refused it for good."""
        if self._reported_at is not None:
            logger.warning("%s responds again", self._sink)
        self._since = self._reported_at = None
