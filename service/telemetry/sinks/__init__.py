"""List the back ends. Each is one file of the same shape: a `NAME` and a `connect(settings, resource)`.

A further back end is one more file, and one more line in `CONNECTORS`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from opentelemetry.sdk.resources import Resource

from service.settings import Settings
from service.telemetry.sink import Sink

CONNECTORS: Final = (
    "service.telemetry.sinks.otlp",
    "service.telemetry.sinks.xray",
    "service.telemetry.sinks.cloudwatch",
    "service.telemetry.sinks.rollbar",
    "service.telemetry.sinks.console",
    "service.telemetry.sinks.otlp.browser",
)


def connect_all(settings: Settings, resource: Resource) -> tuple[Sink, ...]:
    """Return every sink, on or off. None is reached over the network here."""
    connectors: list[Callable[[Settings, Resource], Sink]] = [import_module(name).connect for name in CONNECTORS]
    return tuple(connect(settings, resource) for connect in connectors)
