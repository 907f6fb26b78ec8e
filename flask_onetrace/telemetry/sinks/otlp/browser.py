"""Forward the browser's spans to the endpoint of the service's own. The relay rebuilds them before it queues them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.sink import ServiceInfo, Sink
from flask_onetrace.telemetry.sinks.otlp import Config

__all__ = ["NAME", "Config", "connect"]

NAME: Final = "browser"

_CAPACITY = 64
"""Requests, and 2 MiB of them at most."""
_BATCH_SIZE = 4


def missing_package() -> str | None:
    """Return why no span of a browser can be read, None where the package that it needs is there."""
    if find_spec("opentelemetry.proto") is not None:
        return None
    return "No module named 'opentelemetry.proto': pip install \"Flask-OneTrace[honeycomb]\""


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink: on where the service's own spans are sent."""
    off_because = config.off_because or missing_package()
    if off_because is not None:  # without a warning: the relay, if the app has one, says so
        return Sink(name=NAME, off_because=off_because)
    from flask_onetrace.telemetry.sinks.otlp.exporter import http_exporter  # noqa: PLC0415 - only where the sink is on

    exporter = http_exporter(config, "application/x-protobuf")

    def send(batch: list[bytes]) -> None:
        # Messages one after the other are one message with the fields of all ("Encoding", protobuf's documentation).
        exporter.send(service.redact.same_length(b"".join(batch)))

    return Sink(
        name=NAME,
        queue=ExportQueue(NAME, send, capacity=_CAPACITY, batch_size=_BATCH_SIZE, drop_metric=service.drop_metric),
    )
