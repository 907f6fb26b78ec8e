from __future__ import annotations

import time

import requests

from local.smoke_test.arrivals import wait_for_arrivals
from local.smoke_test.backends import TelemetryBackend, xray_id

TRACE_ID = "6b038fe39ed49725bcbc5c5dab0d95db"


def test_backends_are_polled_in_parallel_until_the_trace_arrives_or_the_timeout_passes() -> None:
    start = time.monotonic()

    def find_late(_: str) -> str | None:
        return "1 span" if time.monotonic() - start > 0.3 else None

    backends = [TelemetryBackend("late", find_late), TelemetryBackend("lost", lambda _: None)]
    late, lost = wait_for_arrivals(backends, TRACE_ID, timeout=3)

    assert (late.backend, late.summary) == ("late", "1 span")
    assert 0.3 <= late.seconds < 3
    assert (lost.backend, lost.summary) == ("lost", None)
    assert lost.seconds > 3


def test_a_backend_that_cannot_be_reached_is_polled_again() -> None:
    errors = [requests.ConnectionError("refused")]

    def find(_: str) -> str | None:
        if errors:
            raise errors.pop()
        return "1 item"

    [arrival] = wait_for_arrivals([TelemetryBackend("Rollbar", find)], TRACE_ID, timeout=5)

    assert arrival.summary == "1 item"


def test_a_trace_id_is_converted_to_xrays_format() -> None:
    assert xray_id(TRACE_ID) == "1-6b038fe3-9ed49725bcbc5c5dab0d95db"
