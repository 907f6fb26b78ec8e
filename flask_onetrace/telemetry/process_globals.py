"""Install the process globals once, and route each call to the app whose request it belongs to.

OpenTelemetry's tracer provider and propagator and Python's root logger are process globals; apps are not. So each
global looks at the current request's scope.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from opentelemetry import propagate

from flask_onetrace.telemetry import instrumentations, root_logger
from flask_onetrace.telemetry.context.propagation import TraceContextPropagator
from flask_onetrace.telemetry.observed_apps import current_telemetry, observed_apps
from flask_onetrace.telemetry.tracer_provider import install_provider, tracer_provider

if TYPE_CHECKING:
    from collections.abc import Collection

    from flask_onetrace.telemetry.context.trace_scope import AppTelemetry


_prepared: Final = threading.Event()
"""Set once the propagator and the instrumentations are installed."""


def prepare(disabled_instrumentations: Collection[str]) -> None:
    """Install the tracer provider, the propagator and the instrumentations, once.

    Before the application is imported, what it creates at import is instrumented too, as a database engine.
    """
    with observed_apps.lock:
        if _prepared.is_set():
            return
        _prepared.set()
        install_provider()
        propagate.set_global_textmap(TraceContextPropagator())
    # Without the lock: other threads may hold import locks that this needs.
    instrumentations.install(disabled_instrumentations, tracer_provider, _baggage_hosts)


def install(telemetry: AppTelemetry) -> None:
    """Install the globals with the first app, and route calls from outside requests to `telemetry`."""
    with observed_apps.lock:
        observed_apps.add(telemetry)
        for each in tracer_provider.processors:
            telemetry.provider.add_span_processor(each)
        root_logger.install()
    prepare(telemetry.config.disabled_instrumentations)
    install_provider()


def release(telemetry: AppTelemetry) -> None:
    """Stop routing calls from outside requests to `telemetry`."""
    with observed_apps.lock:
        observed_apps.remove(telemetry)
        root_logger.update()


def _baggage_hosts() -> frozenset[str]:
    telemetry = current_telemetry()
    return telemetry.config.baggage_hosts if telemetry is not None else frozenset()
