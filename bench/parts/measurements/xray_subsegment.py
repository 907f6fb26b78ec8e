"""Record a subsegment within a segment, and take the CPU time of the request's own thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.parts.clock import Ports, Run
from bench.parts.measurements.xray_segment import Request, our_request, record_subsegment, stock_request


def ours(ports: Ports) -> Run:
    """Record it within a request's scope, where it is a span."""
    return _run(*our_request(ports))


def stock(ports: Ports) -> Run:
    """Record it by the SDK alone."""
    return _run(*stock_request(ports))


def _run(request: Request, flush: Callable[[], object]) -> Run:
    def run(count: int) -> float:
        seconds = 0.0

        def handle(recorder: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
            nonlocal seconds
            start = time.thread_time()
            record_subsegment(recorder)
            seconds += time.thread_time() - start

        for _ in range(count):
            request(handle)
        flush()
        return seconds / count * 1e6

    return run
