"""Take the memory of a process that has fetched the sampling rules once."""

from __future__ import annotations

from typing import Any

from bench.parts.clock import Ports, Run, resident_mib
from bench.parts.measurements.sampling_fetch import our_connector, stock_connector


def ours(ports: Ports) -> Run:
    """Use the telemetry's client."""
    return _run(our_connector(ports))


def stock(ports: Ports) -> Run:
    """Use the SDK's client."""
    return _run(stock_connector(ports))


def _run(connector: Any) -> Run:  # noqa: ANN401 - the SDK publishes no types
    def run(count: int) -> float:
        for _ in range(count):
            connector.fetch_sampling_rules()
        return resident_mib()

    return run
