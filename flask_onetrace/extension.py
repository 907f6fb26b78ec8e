"""Observe an app: `init_app(app)`, or an extension object in Flask's convention."""

from __future__ import annotations

from typing import Final

from flask import Flask

from flask_onetrace.contract import Variable
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import Telemetry
from flask_onetrace.telemetry.traced_app import refuse_traced
from flask_onetrace.telemetry_config import telemetry_config

SERVER_VARIABLES: Final[frozenset[str]] = frozenset(
    {
        Variable.FLASK_APP,
        Variable.BIND_HOST,
        Variable.PORT,
        Variable.WEB_CONCURRENCY,
        Variable.WEB_THREADS,
        Variable.FRONTEND_URL,
        Variable.BACKEND_URL,
        Variable.TRACE_URL,
        Variable.BROWSER_RELAY,
        Variable.FAULT_ROUTES,
        Variable.HEALTH_CHECK_DETAIL,
    }
)
"""What the server and the runtime's own routes read, and telemetry does not. `init_app` ignores them: where others
serve the app, its variables of these names may hold anything."""


def init_app(app: Flask, settings: Settings | None = None) -> Telemetry:
    """Observe `app` with these settings, by default those of the environment, and return its telemetry.

    The service is named after the app where `OTEL_SERVICE_NAME` names none. No sink is reached here.

    Raises `SettingsError` for bad values, `TypeError` for what is no Flask app or no `Settings`, and `RuntimeError` for
    an app that is observed already.
    """
    if not isinstance(app, Flask):
        raise TypeError(f"init_app() got {type(app).__name__!r}, which is no Flask app: pass the app itself")
    if settings is None:
        settings = Settings.from_env(ignore=SERVER_VARIABLES)
    elif not isinstance(settings, Settings):
        raise TypeError(f"init_app() got {type(settings).__name__!r} as settings: pass Settings.from_env(variables)")
    refuse_traced(app)
    telemetry = Telemetry(telemetry_config(settings.named_after(app.name)))
    telemetry.install(app)
    telemetry.observe_mounted_apps()
    return telemetry


class OneTrace:
    """The extension: `OneTrace(app)`, or `onetrace = OneTrace()` and `onetrace.init_app(app)` in an app factory.

    It keeps no app, so one object can observe several.
    """

    def __init__(self, app: Flask | None = None, settings: Settings | None = None) -> None:
        self._settings = settings
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Observe `app`, as the function `init_app` does, with this object's settings or the environment's."""
        init_app(app, self._settings)
