"""Route what operators need: the health check, and requests that fail on purpose."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import rollbar
from flask import Blueprint, Flask, current_app, request

from service.contract import HEALTH_CHECK_PATH
from service.settings import Settings
from service.telemetry import EXTENSION, Telemetry

blueprint = Blueprint("operations", __name__)
fault_blueprint = Blueprint("faults", __name__)


class DeliberateError(RuntimeError):
    """Raised by the route that exists to be seen failing."""


@blueprint.get(HEALTH_CHECK_PATH)
def health_check() -> dict[str, Any]:
    """Say that the service answers, its version, and which sinks are on; with `?detail`, what became of their items."""
    telemetry: Telemetry = current_app.extensions[EXTENSION]
    if "detail" in request.args:
        return {
            **_health(telemetry),
            "worker": os.getpid(),
            "sinks": {each.name: each.detail() for each in telemetry.sinks},
        }
    return _health(telemetry)


def _health(telemetry: Telemetry) -> dict[str, Any]:
    return {
        "status": "ok",
        "version": telemetry.settings.version,
        "environment": telemetry.settings.environment,
        "sinks": {
            sink.name: {"on": True} if sink.on else {"on": False, "because": sink.off_because}
            for sink in telemetry.sinks
        },
    }


@blueprint.get("/rollbar/test")
def rollbar_test() -> str:
    """Report the tutorial's warning message to Rollbar."""
    rollbar.report_message("Hello World!", "warning")
    return "Hello World!"


@fault_blueprint.get("/api/fault")
def fault() -> NoReturn:
    """Raise, so that the way of an error can be followed through every sink."""
    raise DeliberateError("this route fails on purpose: follow its trace id")


def register(app: Flask, settings: Settings) -> None:
    """Add the routes to `app`; those that fail on purpose only where the settings allow them."""
    app.register_blueprint(blueprint)
    if settings.fault_routes:
        app.register_blueprint(fault_blueprint)
