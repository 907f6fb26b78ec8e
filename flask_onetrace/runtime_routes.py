"""Serve the health check, probe and fault routes ahead of the application.

They are routes of a Flask app of their own: the observed one has none of them, and its hooks and error handlers do not
see these requests. They are traced as its own are.
"""

from __future__ import annotations

from typing import NoReturn

from flask import Flask

from flask_onetrace import health
from flask_onetrace.contract import RUNTIME_FAULT_PATH, RUNTIME_HEALTH_CHECK_PATH, RUNTIME_PROBE_PATH
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, Telemetry


class DeliberateError(RuntimeError):
    """An error that is raised on purpose."""


def mount_runtime_routes(app: Flask, settings: Settings) -> None:
    """Serve the runtime's own routes ahead of `app`, which has telemetry."""
    routes = Flask(__name__, static_folder=None)
    health.register(routes, settings, RUNTIME_HEALTH_CHECK_PATH, observed=app)
    routes.add_url_rule(RUNTIME_PROBE_PATH, view_func=probe)
    if settings.fault_routes:
        routes.add_url_rule(RUNTIME_FAULT_PATH, view_func=fault)
    telemetry: Telemetry = app.extensions[EXTENSION]
    telemetry.middleware.answer((each.rule for each in routes.url_map.iter_rules()), routes.wsgi_app)
    telemetry.observe_mounted_apps()


def probe() -> dict[str, str]:
    """Show that requests are served and traced."""
    return {"status": "ok"}


def fault() -> NoReturn:
    """Raise an exception that nothing handles."""
    raise DeliberateError("this route fails on purpose: follow its trace id")
