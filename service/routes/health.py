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
    health: dict[str, Any] = {
        "status": "ok",
        "version": telemetry.config.service_version,
        "environment": telemetry.config.environment,
        "sinks": {sink.name: sink.status() for sink in telemetry.sinks},
    }
    if "detail" not in request.args:
        return health
    # An error names the address that it came from, which may be a secret.
    detail = {sink.name: telemetry.redact.value(sink.detail()) for sink in telemetry.sinks}
    return {**health, "sinks": detail, "worker": os.getpid()}


def register(app: Flask) -> None:
    """Add the route to `app`."""
    app.register_blueprint(blueprint)
