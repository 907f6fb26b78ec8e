"""Wait until a trace has arrived in the telemetry backends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import requests
from botocore.exceptions import BotoCoreError, ClientError

from local.smoke_test.backends import TelemetryBackend

ARRIVAL_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a backend received, and after how many seconds; `summary` is None if nothing arrived in time."""

    backend: str
    summary: str | None
    seconds: float


def wait_for_arrivals(
    backends: Sequence[TelemetryBackend], trace_id: str, timeout: float = ARRIVAL_SECONDS
) -> list[Arrival]:
    """Poll all backends in parallel until each has the trace, or `timeout` seconds have passed."""
    start = time.monotonic()
    with ThreadPoolExecutor(max_workers=len(backends)) as pool:
        return list(pool.map(lambda backend: _wait_for(backend, trace_id, start, timeout), backends))


def _wait_for(backend: TelemetryBackend, trace_id: str, start: float, timeout: float) -> Arrival:
    while True:
        summary = _find(backend, trace_id)
        seconds = time.monotonic() - start
        if summary is not None or seconds > timeout:
            return Arrival(backend.name, summary, seconds)
        time.sleep(POLL_SECONDS)


def _find(backend: TelemetryBackend, trace_id: str) -> str | None:
    try:
        return backend.find(trace_id)
    except (requests.RequestException, BotoCoreError, ClientError):
        # Retried until the timeout, then reported as not arrived.
        return None
