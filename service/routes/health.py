"""Route the health check."""

from __future__ import annotations

import os
from typing import Any

from flask import Blueprint, Flask, current_app, request

from service.contract import HEALTH_CHECK_PATH
from service.telemetry import EXTENSION, Telemetry

blueprint = Blueprint("health", __name__)


@blueprint.get(HEALTH_CHECK_PATH)
def health_check() -> dict[str, Any]:
    """Return the service's version and which sinks are on; with `?detail`, also their item counts and last errors."""
    telemetry: Telemetry = current_app.extensions[EXTENSION]
    has_detail = "detail" in request.args
    health: dict[str, Any] = {
        "status": "ok",
        "version": telemetry.config.service_version,
        "environment": telemetry.config.environment,
        "sinks": {sink.name: sink.detail() if has_detail else sink.status() for sink in telemetry.sinks},
    }
    return {**health, "worker": os.getpid()} if has_detail else health


def register(app: Flask) -> None:
    """Add the route to `app`."""
    app.register_blueprint(blueprint)
