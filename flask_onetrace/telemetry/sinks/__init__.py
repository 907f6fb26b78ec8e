"""List the back ends. Each is one module or folder of the same shape: a `Config` and `connect(config, service)`.

A further back end is one folder, and one more line in `SINKS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any, Final

from flask_onetrace.telemetry.sink import ServiceInfo, Sink

SINKS: Final[list[str]] = [
    "flask_onetrace.telemetry.sinks.otlp",
    "flask_onetrace.telemetry.sinks.xray",
    "flask_onetrace.telemetry.sinks.cloudwatch",
    "flask_onetrace.telemetry.sinks.rollbar",
    "flask_onetrace.telemetry.sinks.console",
    "flask_onetrace.telemetry.sinks.otlp.browser",
]
"""Modules that import no SDK before `connect` is called with a config that turns them on."""


def configs_from(values: object) -> tuple[Any, ...]:
    """Return the `Config` of each sink, every field from the attribute of `values` of the same name."""
    kinds = [import_module(name).Config for name in SINKS]
    return tuple(kind(**{field.name: getattr(values, field.name) for field in fields(kind)}) for kind in kinds)


def connect_all(configs: Iterable[Any], service: ServiceInfo) -> tuple[Sink, ...]:
    """Return every sink, on or off; one without a config has its defaults. None is reached over the network here."""
    by_kind: Mapping[type, Any] = {type(config): config for config in configs}
    modules = [import_module(name) for name in SINKS]
    return tuple(module.connect(by_kind.get(module.Config) or module.Config(), service) for module in modules)
