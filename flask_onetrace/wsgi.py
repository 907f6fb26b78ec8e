"""Build any Flask application for gunicorn, observed.

`gunicorn --config python:flask_onetrace.gunicorn_conf "flask_onetrace.wsgi:build()"` serves what `FLASK_APP` names.
"""

from __future__ import annotations

import time
from typing import Final

from flask import Flask

from flask_onetrace import worker_message
from flask_onetrace.app_loader import AppLoadError, load_app
from flask_onetrace.extension import init_app
from flask_onetrace.parsing import SettingsError
from flask_onetrace.runtime_routes import answer_in_front
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, prepare
from flask_onetrace.telemetry.redaction import Redactor

APP_LOAD_ERROR: Final = 4
"""gunicorn's exit code of an application that cannot be loaded: the arbiter stops instead of restarting workers."""
_LATER: Final = 0.5
"""Seconds: the arbiter starts another worker for each that ends before it stops."""
_MAX_MESSAGE: Final = 32 * 1024
"""Characters: a deep traceback."""


def build() -> Flask:
    """Return the application of this process's environment; one that cannot be loaded ends it with one message."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        raise _exit(str(error)) from None
    try:
        return observed_app(settings)
    except AppLoadError as error:
        redact = Redactor(settings.secrets(), settings.redact_names)
        raise _exit(redact.text(str(error), _MAX_MESSAGE)) from None


def observed_app(settings: Settings) -> Flask:
    """Load the application that the settings name, and install telemetry in it, unless it has done so itself.

    Raises `AppLoadError`.
    """
    prepare(settings.disabled_instrumentations)
    app = load_app(settings.flask_app)
    if EXTENSION not in app.extensions:
        init_app(app, settings)
    answer_in_front(app, settings)
    return app


def _exit(message: str) -> SystemExit:
    """Print `message`, and return what ends the process.

    The arbiter raises an exception for a second worker with that exit code, while it stops because of the first one
    (`Arbiter.halt`, gunicorn): the others end a little later, and without it.
    """
    if worker_message.load_error.print(message):
        return SystemExit(APP_LOAD_ERROR)
    time.sleep(_LATER)
    return SystemExit(0)
