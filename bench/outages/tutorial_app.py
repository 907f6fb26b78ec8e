"""Build the app with the tutorial's wiring, for gunicorn: `bench.outages.tutorial_app:build()`."""

from __future__ import annotations

import os
from typing import Any

from bench.paths import HEALTH_CHECK
from bench.tutorial_wiring import Tutorial


def build() -> Any:  # noqa: ANN401 - a Flask app
    """Return the app, with a health check."""
    os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-honeycomb-team=drill"
    app = Tutorial(os.environ, console=False).app
    app.add_url_rule(HEALTH_CHECK, "health", lambda: {"status": "ok"})
    app.extensions["onetrace"] = _NoTelemetry()
    return app


class _NoTelemetry:
    """The extension that the service's gunicorn hook shuts down; here the libraries' own exit handlers do."""

    def shutdown(self) -> bool:
        """Do nothing."""
        return True
