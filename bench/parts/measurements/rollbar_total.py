"""Report an exception of a request to Rollbar, and take the CPU time of all threads until its item is sent."""

from __future__ import annotations

import time

from bench.parts.clock import Ports, Run
from bench.parts.measurements.rollbar_request import milliseconds, our_reporter, stock_reporter


def ours(ports: Ports) -> Run:
    """Use the sink's queue."""
    return milliseconds(our_reporter(ports), time.process_time, with_flush=True)


def stock(ports: Ports) -> Run:
    """Use the SDK's own Flask integration."""
    return milliseconds(stock_reporter(ports), time.process_time, with_flush=True)
