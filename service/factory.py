"""Build the Flask app: `create_app(settings)` gives a fresh one each time."""

from __future__ import annotations

from flask import Flask

from service.activities import routes
from service.routes import cors, errors, health, otlp_relay, page
from service.settings import Settings
from service.telemetry import Telemetry


def create_app(settings: Settings) -> Flask:
    """Return an app with its own telemetry. No sink is reached here."""
    app = Flask("service", static_folder=None)
    Telemetry(settings).install(app)
    errors.register(app)
    health.register(app, settings)
    cors.register(app, settings)
    page.register(app, settings)
    otlp_relay.register(app, settings)
    app.register_blueprint(routes.blueprint)
    return app
