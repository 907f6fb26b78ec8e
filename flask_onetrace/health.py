"""Route the health check."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from flask import Blueprint, Flask, current_app, request

from flask_onetrace.authentication.alb_user import AlbUser
from flask_onetrace.relay import counts as relay_counts
from flask_onetrace.relay.counts import RelayCounts
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, Telemetry, instrumentations

THREAD_USAGE: Final = "thread_usage"
"""In `app.extensions`: what returns how busy the worker's threads are, where a server counts them."""

_PROXY_HEADERS: Final = ("HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
"""The beginnings of the headers that proxies add, in WSGI's form; load balancers remove none that a client sent."""


def register(app: Flask, settings: Settings, path: str | None = None, observed: Flask | None = None) -> None:
    """Add the route to `app`, at the settings' path by default; it shows the telemetry of `observed`, or of `app`."""
    blueprint = Blueprint("health", __name__)
    is_public = settings.health_check_detail

    @blueprint.get(path or settings.health_check_path)
    def health_check() -> dict[str, Any]:
        """Return the service's version, which sinks are on, and the names of variables whose values cannot be used.

        With `?detail` also why, and the sinks' item counts and last errors, for callers that no proxy forwards, or for
        all.
        """
        extensions = (observed or current_app).extensions
        telemetry: Telemetry = extensions[EXTENSION]
        relay: RelayCounts | None = extensions.get(relay_counts.EXTENSION)
        if relay is not None:
            # The load balancer asks every few seconds, even where no browser sends anything any more.
            relay.report()
        health: dict[str, Any] = {
            "status": "ok",
            "version": telemetry.config.service_version,
            "environment": telemetry.config.environment,
            "sinks": {sink.name: sink.status() for sink in telemetry.sinks},
        }
        unusable = {**settings.unusable_variables, **telemetry.config.unusable_variables}
        if unusable:
            health["unusable_variables"] = sorted(unusable)
        if "detail" not in request.args or not (is_public or _is_direct(request.environ)):
            return health
        # An error names the address that it came from, which may be a secret.
        detail = {sink.name: telemetry.redact.value(sink.detail()) for sink in telemetry.sinks}
        user_of = telemetry.config.user_of
        thread_usage = extensions.get(THREAD_USAGE)
        return {
            **health,
            "sinks": detail,
            "sampling": telemetry.sampling_detail(),
            "instrumentations": instrumentations.detail(),
            **({"unusable_variables": telemetry.redact.value(unusable)} if unusable else {}),
            **({"relay": relay.detail()} if relay is not None else {}),
            **({"claims": user_of.detail()} if isinstance(user_of, AlbUser) else {}),
            **({"threads": thread_usage()} if thread_usage is not None else {}),
            "worker": os.getpid(),
        }

    app.register_blueprint(blueprint)


def _is_direct(headers: Iterable[str]) -> bool:
    """Return whether no proxy has forwarded the request."""
    return not any(name.startswith(_PROXY_HEADERS) for name in headers)
