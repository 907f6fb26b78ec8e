"""Record a segment with one subsegment by the X-Ray SDK's API, until its document is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from bench.parts.clock import Ports, Run, Stopwatch
from bench.parts.telemetry import environ, instrument

Request = Callable[[Callable[[Any], None]], None]
"""Records a segment around a function, which gets the SDK's recorder."""
_FLUSH_SECONDS = 30.0


def ours(ports: Ports) -> Run:
    """Record it within a request's scope: the segment is the server span, the subsegment a span too."""
    from opentelemetry.context import attach  # noqa: PLC0415 - each side imports its own

    telemetry = instrument("xray", ports)
    from aws_xray_sdk.core import xray_recorder  # noqa: PLC0415 - after the sink, which imports it without its clients

    def request(handle: Callable[[Any], None]) -> None:
        values = environ()
        scope = telemetry.start_request(values)
        attach(scope.context())
        handle(xray_recorder)
        scope.status = 200
        telemetry.finish_request(scope, values)

    return _run(lambda handle: copy_context().run(request, handle), lambda: telemetry.flush(_FLUSH_SECONDS))


def stock(ports: Ports) -> Run:
    """Record it with only the SDK, which sends it on the request's thread."""
    from aws_xray_sdk.core import xray_recorder  # noqa: PLC0415 - as above

    xray_recorder.configure(service="bench", sampling=False, daemon_address=f"127.0.0.1:{ports.udp}")

    def request(handle: Callable[[Any], None]) -> None:
        xray_recorder.begin_segment("bench")
        handle(xray_recorder)
        xray_recorder.end_segment()

    return _run(request, lambda: None)


def _record_subsegment(recorder: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
    """Record a subsegment with metadata, as the tutorial's handler does."""
    subsegment = recorder.begin_subsegment("notifications_activities")
    subsegment.put_metadata("key", {"now": "2026-11-28T06:51:24+00:00", "results-size": 3}, "namespace")
    recorder.end_subsegment()


def _run(request: Request, flush: Callable[[], object]) -> Run:
    def run(count: int) -> tuple[float, float, float]:
        subsegment, segment, total = Stopwatch(), Stopwatch(), Stopwatch()

        def handle(recorder: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
            with subsegment:
                _record_subsegment(recorder)

        with total:
            with segment:
                for _ in range(count):
                    request(handle)
            flush()
        return tuple(each / count * 1e6 for each in (subsegment.thread, segment.thread, total.process))  # type: ignore[return-value]  # three of them

    return run
