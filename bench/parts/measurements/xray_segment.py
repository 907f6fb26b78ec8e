"""Record a segment with one subsegment by the X-Ray SDK's API, until its document is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from bench.parts.clock import Ports, Run, microseconds
from bench.parts.telemetry import environ, observed

Request = Callable[[Callable[[Any], None]], None]
"""Records a segment around a function, which gets the SDK's recorder."""


def ours(ports: Ports) -> Run:
    """Record it within a request's scope: the segment is the server span, the subsegment a span too."""
    return _run(*our_request(ports))


def stock(ports: Ports) -> Run:
    """Record it by the SDK alone, which sends it on the caller's thread."""
    return _run(*stock_request(ports))


def our_request(ports: Ports) -> tuple[Request, Callable[[], object]]:
    """Return what records a segment as the telemetry does, and what flushes the queue."""
    from opentelemetry.context import attach  # noqa: PLC0415 - each side imports its own

    telemetry = observed("xray", ports)
    from aws_xray_sdk.core import xray_recorder  # noqa: PLC0415 - after the sink, which imports it without its clients

    def request(handle: Callable[[Any], None]) -> None:
        scope = telemetry.start_request(environ())
        attach(scope.context())
        handle(xray_recorder)
        scope.status = 200
        telemetry.finish_request(scope)

    return lambda handle: copy_context().run(request, handle), lambda: telemetry.flush(30)


def stock_request(ports: Ports) -> tuple[Request, Callable[[], object]]:
    """Return what records and sends a segment by the SDK alone; it has no queue."""
    from aws_xray_sdk.core import xray_recorder  # noqa: PLC0415 - as above

    xray_recorder.configure(service="bench", sampling=False, daemon_address=f"127.0.0.1:{ports.udp}")

    def request(handle: Callable[[Any], None]) -> None:
        xray_recorder.begin_segment("bench")
        handle(xray_recorder)
        xray_recorder.end_segment()

    return request, lambda: None


def record_subsegment(recorder: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
    """Record a subsegment with metadata, as the tutorial's handler does."""
    subsegment = recorder.begin_subsegment("notifications_activities")
    subsegment.put_metadata("key", {"now": "2026-11-28T06:51:24+00:00", "results-size": 3}, "namespace")
    recorder.end_subsegment()


def _run(request: Request, flush: Callable[[], object]) -> Run:
    def repeat(count: int) -> None:
        for _ in range(count):
            request(record_subsegment)
        flush()

    return microseconds(repeat)
