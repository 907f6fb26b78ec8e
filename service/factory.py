"""Build the Flask app: `create_app()` returns a new one each time."""

from __future__ import annotations

from flask import Flask

from flask_onetrace import health
from flask_onetrace.relay import routes as relay
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import Telemetry
from flask_onetrace.telemetry_config import telemetry_config
from service.activities import routes
from service.routes import cors, errors, faults, page


def create_app(settings: Settings | None = None) -> Flask:
    """Return an app with its own telemetry, by default with the environment's settings. No sink is reached here."""
    if settings is None:
        settings = Settings.from_env()
    app = Flask("service", static_folder=None)
    Telemetry(telemetry_config(settings)).install(app)
    errors.register(app)
    health.register(app, settings)
    faults.register(app, settings)
    cors.register(app, settings)
    page.register(app, settings)
    relay.register(app, settings)
    app.register_blueprint(routes.blueprint)
    return app
