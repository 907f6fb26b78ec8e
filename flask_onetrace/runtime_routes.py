"""Serve the health check, probe, fault and slow routes ahead of the application.

They are routes of a Flask app of their own: the observed one has none of them, and its hooks and error handlers do not
see these requests. They are traced as its own are.
"""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Final, NoReturn

from flask import Flask, Response

from flask_onetrace import health
from flask_onetrace.contract import (
    RUNTIME_FAULT_PATH,
    RUNTIME_HEALTH_CHECK_PATH,
    RUNTIME_PROBE_PATH,
    RUNTIME_SLOW_PATH,
    SLOW_SECONDS,
)
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, Telemetry, span

SLOW_ROUTE_SECONDS: Final = SLOW_SECONDS + 0.1
"""Slow to the alarm, to the X-Ray group, and to tail sampling."""
_slow_slot: Final = BoundedSemaphore(1)
"""Of each process: the route may not take all of its threads."""


class DeliberateError(RuntimeError):
    """An error that is raised on purpose."""


def mount_runtime_routes(app: Flask, settings: Settings) -> None:
    """Serve the runtime's own routes ahead of `app`, which has telemetry."""
    routes = Flask(__name__, static_folder=None)
    health.register(routes, settings, RUNTIME_HEALTH_CHECK_PATH, observed=app)
    routes.add_url_rule(RUNTIME_PROBE_PATH, view_func=probe)
    if settings.fault_routes:
        routes.add_url_rule(RUNTIME_FAULT_PATH, view_func=fault)
        routes.add_url_rule(RUNTIME_SLOW_PATH, view_func=slow)
    telemetry: Telemetry = app.extensions[EXTENSION]
    telemetry.middleware.answer((each.rule for each in routes.url_map.iter_rules()), routes.wsgi_app)
    telemetry.observe_mounted_apps()


def probe() -> dict[str, str]:
    """Show that requests are served and traced."""
    return {"status": "ok"}


def fault() -> NoReturn:
    """Raise an exception that nothing handles."""
    raise DeliberateError("this route fails on purpose: follow its trace id")


def slow() -> dict[str, str] | Response:
    """Answer after `SLOW_ROUTE_SECONDS`; at once, with 429, while another such request waits in this process."""
    if not _slow_slot.acquire(blocking=False):
        return Response("another slow request is being answered\n", 429, {"Retry-After": "2"}, mimetype="text/plain")
    try:
        with span("wait"):  # so that the trace says what the request waited for
            time.sleep(SLOW_ROUTE_SECONDS)
    finally:
        _slow_slot.release()
    return {"status": "ok"}
