"""Log lines until CloudWatch Logs has accepted them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bench.parts.clock import Ports, Run, Stopwatch
from bench.parts.service import SERVICE

_FLUSH_SECONDS = 30.0


def ours(_: Ports) -> Run:
    """Use the telemetry's handler."""
    from flask_onetrace.telemetry.sinks.cloudwatch.handler import QueueingHandler  # noqa: PLC0415 - each side imports its own

    handler = QueueingHandler("cloudwatch", "bench", "us-east-1", SERVICE)
    return _run(handler, lambda: handler.queue.flush(_FLUSH_SECONDS))


def stock(_: Ports) -> Run:
    """Use watchtower's handler, as the tutorial does."""
    import watchtower  # noqa: PLC0415 - as above

    handler = watchtower.CloudWatchLogHandler(log_group_name="bench")
    return _run(handler, handler.flush)


def _run(handler: logging.Handler, flush: Callable[[], object]) -> Run:
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)

    def run(count: int) -> tuple[float, float]:
        caller, total = Stopwatch(), Stopwatch()
        with total:
            with caller:
                for number in range(count):
                    logger.info("Hello CloudWatch! from %s, for the %dth time", "/api/activities/notifications", number)
            flush()
        return caller.thread / count * 1e6, total.process / count * 1e6

    return run
