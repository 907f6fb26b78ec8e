"""Turn on OpenTelemetry's instrumentations of the libraries that the application uses.

Each one that is installed is on, as soon as its library is imported. Neither they nor the libraries are dependencies of
this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import wrapt

from flask_onetrace.telemetry.context import outgoing_baggage
from flask_onetrace.telemetry.instrumentations import conventions, xray_patches
from flask_onetrace.telemetry.instrumentations.discovery import discover
from flask_onetrace.telemetry.instrumentations.instrumentation import Instrumentation

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import ModuleType

    from opentelemetry.trace import TracerProvider

    from flask_onetrace.telemetry.context.outgoing_baggage import HostsOf

_instrumentations: Final[dict[str, Instrumentation]] = {}
"""Those of this process, by name."""


def install(disabled: Collection[str], tracer_provider: TracerProvider, baggage_hosts: HostsOf) -> None:
    """Turn on every instrumentation that is not `disabled`, each once its library is imported.

    Once per process, after the propagator. Their tracers are those of `tracer_provider`.
    """
    conventions.opt_in(tracer_provider)
    outgoing_baggage.install_on_import(baggage_hosts)  # below the instrumentation of `requests`
    for each in discover():
        _instrumentations[each.name] = each
        each.prepare(disabled, tracer_provider)
    wrapt.register_post_import_hook(_claim, xray_patches.PATCHER)
    for each in _instrumentations.values():
        each.install_on_import()


def detail() -> dict[str, str]:
    """Return the state of each instrumentation by name: `on`, `on when imported`, or `off` and why."""
    return {name: each.state for name, each in sorted(_instrumentations.items())}


def _claim(_: ModuleType) -> None:
    """Have the X-Ray SDK skip the libraries that are instrumented here."""
    xray_patches.claim(each.sdk_name for each in _instrumentations.values() if each.is_claimed)
