"""Log lines until CloudWatch Logs has accepted them, and take the CPU time of all threads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from bench.parts.clock import Ports, Run, microseconds
from bench.parts.service import SERVICE


def ours(_: Ports) -> Run:
    """Use the telemetry's handler."""
    return _run(*our_handler())


def stock(_: Ports) -> Run:
    """Use watchtower's handler."""
    return _run(*stock_handler())


def our_handler() -> tuple[logging.Handler, Callable[[], object]]:
    """Return the telemetry's handler, and what flushes it."""
    from service.telemetry.sinks.cloudwatch.handler import QueueingHandler  # noqa: PLC0415 - each side imports its own

    handler = QueueingHandler("cloudwatch", "bench", "us-east-1", SERVICE)
    return handler, lambda: handler.queue.flush(30)


def stock_handler() -> tuple[logging.Handler, Callable[[], object]]:
    """Return watchtower's handler as the tutorial has it, and what flushes it."""
    import watchtower  # noqa: PLC0415 - as above

    handler = watchtower.CloudWatchLogHandler(log_group_name="bench")
    return handler, handler.flush


def log(handler: logging.Handler) -> Callable[[int], None]:
    """Return what writes that many lines to `handler`."""
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)

    def repeat(count: int) -> None:
        for number in range(count):
            logger.info("Hello CloudWatch! from %s, for the %dth time", "/api/activities/notifications", number)

    return repeat


def _run(handler: logging.Handler, flush: Callable[[], object]) -> Run:
    write = log(handler)

    def repeat(count: int) -> None:
        write(count)
        flush()

    return microseconds(repeat, time.process_time)
