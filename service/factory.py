"""Build the Flask app: `create_app(settings)` returns a new one each time."""

from __future__ import annotations

from flask import Flask

from service.activities import routes
from service.routes import cors, errors, faults, health, otlp_relay, page
from service.settings import Settings
from service.telemetry import Telemetry
from service.telemetry_config import telemetry_config


def create_app(settings: Settings) -> Flask:
    """Return an app with its own telemetry. No sink is reached here."""
    app = Flask("service", static_folder=None)
    Telemetry(telemetry_config(settings)).install(app)
    errors.register(app)
    health.register(app, settings)
    faults.register(app, settings)
    cors.register(app, settings)
    page.register(app, settings)
    otlp_relay.register(app, settings)
    app.register_blueprint(routes.blueprint)
    return app
