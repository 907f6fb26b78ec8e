"""Serve the tutorial's wiring under gunicorn, as the 'before' of the drill: `bench.outages.tutorial_app:build()`."""

from __future__ import annotations

import os
from typing import Any

from bench.tutorial_wiring import Tutorial
from service.settings import Settings


def build() -> Any:  # noqa: ANN401 - a Flask app, whose shutdown hook it also is
    """Return the app, with the route that the drill waits for."""
    os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-honeycomb-team=drill"
    app = Tutorial(Settings.from_env(), console=False).app
    app.add_url_rule("/api/health-check", "health", lambda: {"status": "ok"})
    app.extensions["telemetry"] = _Nothing()
    return app


class _Nothing:
    """What the service's gunicorn hook calls at exit; the tutorial leaves that to the libraries' own exit handlers."""

    def shutdown(self) -> bool:
        """Do nothing."""
        return True
