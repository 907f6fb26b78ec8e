"""Fetch the sampling rules through the X-Ray daemon's proxy."""

from __future__ import annotations

from typing import Any

import flask_onetrace.telemetry.sampling.lean_import  # noqa: F401 - both sides get the SDK without its other clients
from bench.parts.clock import Ports, Run, microseconds, resident_mib


def ours(ports: Ports) -> Run:
    """Use the SDK's connector with the telemetry's client."""
    from flask_onetrace.telemetry.sampling.boost import Boosts  # noqa: PLC0415 - as below
    from flask_onetrace.telemetry.sampling.daemon_client import connector_to  # noqa: PLC0415 - each side imports its own

    return _run(connector_to(("127.0.0.1", ports.http), 5.0, Boosts("bench")))


def stock(ports: Ports) -> Run:
    """Use the SDK's connector unchanged."""
    from aws_xray_sdk.core.sampling.connector import ServiceConnector  # noqa: PLC0415 - as above

    connector = ServiceConnector()
    connector.setup_xray_client(ip="127.0.0.1", port=str(ports.http), client=None)
    return _run(connector)


def _run(connector: Any) -> Run:  # noqa: ANN401 - the SDK publishes no types
    def repeat(count: int) -> None:
        for _ in range(count):
            connector.fetch_sampling_rules()

    timed = microseconds(repeat)
    return lambda count: (*timed(count), resident_mib())
