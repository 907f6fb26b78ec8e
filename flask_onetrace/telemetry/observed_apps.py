"""The registry of observed apps: find the one that a call belongs to, also outside any request."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from flask_onetrace.telemetry.context.trace_scope import AppTelemetry, current_scope
from flask_onetrace.telemetry.redaction import NO_SECRETS, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class ObservedApps:
    """The apps of this process that are neither freed nor shut down, oldest first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._references: tuple[Callable[[], AppTelemetry | None], ...] = ()

    def __iter__(self) -> Iterator[AppTelemetry]:
        return (telemetry for reference in self._references if (telemetry := reference()) is not None)

    def add(self, telemetry: AppTelemetry) -> None:
        """Route calls from outside requests to `telemetry` from now on. Call it with the lock."""
        self._references = (*(each for each in self._references if each() is not None), weakref.ref(telemetry))

    def remove(self, telemetry: AppTelemetry) -> None:
        """Route no more calls to `telemetry`. Call it with the lock."""
        self._references = tuple(each for each in self._references if each() not in (None, telemetry))

    def latest(self) -> AppTelemetry | None:
        """Return the app that was created last."""
        for reference in reversed(self._references):
            if (telemetry := reference()) is not None:
                return telemetry
        return None


observed_apps = ObservedApps()


def current_telemetry() -> AppTelemetry | None:
    """Return the telemetry of the running request; outside one, that of the app created last."""
    scope = current_scope()
    return scope.telemetry if scope is not None else observed_apps.latest()


def current_redactor() -> Redactor:
    """Return the redactor of the current app; without one, a redactor that knows names and formats of secrets alone."""
    telemetry = current_telemetry()
    return telemetry.redact if telemetry is not None else NO_SECRETS
