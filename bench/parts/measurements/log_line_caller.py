"""Log lines, and take the CPU time of the thread that logs them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from bench.parts.clock import Ports, Run, microseconds
from bench.parts.measurements.log_line import log, our_handler, stock_handler


def ours(_: Ports) -> Run:
    """Use the telemetry's handler."""
    return _run(*our_handler())


def stock(_: Ports) -> Run:
    """Use watchtower's handler."""
    return _run(*stock_handler())


def _run(handler: logging.Handler, flush: Callable[[], object]) -> Run:
    timed = microseconds(log(handler), time.thread_time)

    def run(count: int) -> float:
        figure = timed(count)
        flush()
        return figure

    return run
