"""Instrument an app with one sink."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import Flask

from bench.parts.clock import Ports
from flask_onetrace.contract import ACCESS_LOGGER, TRACE_ID_HEADER
from flask_onetrace.telemetry import Telemetry
from flask_onetrace.telemetry.config import DaemonAddress, TelemetryConfig
from flask_onetrace.telemetry.sinks import otlp, xray


def instrument(sink: str, ports: Ports, app: Flask | None = None) -> Telemetry:
    """Return the telemetry of `app`, or of a new one, with `sink` alone: every request is sampled."""
    address = ("127.0.0.1", ports.udp)
    configs: dict[str, Any] = {
        "xray": xray.Config(xray_daemon_address=DaemonAddress(udp=address, tcp=address)),
        "honeycomb": otlp.Config(otlp_endpoint=ports.url),
    }
    config = TelemetryConfig(
        service_name="bench",
        access_logger=ACCESS_LOGGER,
        trace_id_header=TRACE_ID_HEADER,
        log_level="WARNING",
        sinks=(configs[sink],),
    )
    telemetry = Telemetry(config)
    telemetry.install(app or Flask("bench"))
    return telemetry


def environ() -> dict[str, Any]:
    """Return the WSGI environment of a request."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/activities/notifications",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
    }
