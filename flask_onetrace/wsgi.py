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
from flask_onetrace.runtime_routes import mount_runtime_routes
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, prepare
from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.safe_logging import safe_logger

logger = safe_logger(__name__)

_EXIT_DELAY_SECONDS: Final = 0.5
"""The arbiter starts another worker for each that ends before it stops."""
_MAX_MESSAGE: Final = 32 * 1024
"""Characters: a deep traceback."""


def build() -> Flask:
    """Return the application of this process's environment; one that cannot be loaded ends it with one message."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:  # only where gunicorn does not have the configuration of `gunicorn_conf`
        raise _startup_failure(str(error)) from None
    try:
        return observed_app(settings)
    except AppLoadError as error:
        redact = Redactor(settings.secrets(), settings.redact_names)
        raise _startup_failure(redact.text(str(error), _MAX_MESSAGE)) from None


def observed_app(settings: Settings) -> Flask:
    """Load the application that the settings name, and install telemetry in it, unless it has done so itself.

    Raises `AppLoadError`.
    """
    prepare(settings.disabled_instrumentations)
    app = load_app(settings.flask_app)
    if EXTENSION not in app.extensions:
        init_app(app, settings)
    for name, message in settings.unusable_variables.items():
        if name not in app.extensions[EXTENSION].config.unusable_variables:
            logger.warning(message)  # of the server, where the app has read the telemetry's
    mount_runtime_routes(app, settings)
    return app


def _startup_failure(message: str) -> SystemExit:
    """Print `message`, and return the exception that ends the process.

    The arbiter raises an exception for a second worker with that exit code, while it stops because of the first one
    (`Arbiter.halt`, gunicorn): the others end a little later, and without it.
    """
    if worker_message.load_error.print(message):
        return SystemExit(worker_message.APP_LOAD_ERROR)
    time.sleep(_EXIT_DELAY_SECONDS)
    return SystemExit(0)
