"""Build any Flask application for gunicorn, observed.

`gunicorn --config python:flask_onetrace.gunicorn_conf "flask_onetrace.wsgi:build()"` serves what `FLASK_APP` names.
"""

from __future__ import annotations

import sys
from typing import Final

from flask import Flask

from flask_onetrace.app_loader import AppLoadError, load_app
from flask_onetrace.parsing import SettingsError
from flask_onetrace.runtime_routes import answer_in_front
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, Telemetry, prepare
from flask_onetrace.telemetry_config import telemetry_config

APP_LOAD_ERROR: Final = 4
"""gunicorn's exit code of an application that cannot be loaded: the arbiter stops instead of restarting workers."""


def build() -> Flask:
    """Return the application of this process's environment; one that cannot be loaded ends it with one message."""
    try:
        return observed_app(Settings.from_env())
    except (SettingsError, AppLoadError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(APP_LOAD_ERROR) from None


def observed_app(settings: Settings) -> Flask:
    """Load the application that the settings name, and install telemetry in it, unless it has done so itself.

    Raises `AppLoadError`.
    """
    prepare(settings.disabled_instrumentations)
    app = load_app(settings.flask_app)
    if EXTENSION not in app.extensions:
        Telemetry(telemetry_config(settings.named_after(app.name))).install(app)
    answer_in_front(app, settings)
    return app
