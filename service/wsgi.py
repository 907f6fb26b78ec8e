"""Build the app for gunicorn: `gunicorn --config flask_onetrace/gunicorn.conf.py "service.wsgi:build()"`."""

from __future__ import annotations

import sys

from flask import Flask

from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings
from service.factory import create_app

# gunicorn's exit code for "the app could not be loaded": the arbiter stops instead of restarting workers forever.
APP_LOAD_ERROR = 4


def build() -> Flask:
    """Return the app for this process's environment; a bad setting ends the process with one message."""
    try:
        return create_app(Settings.from_env())
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(APP_LOAD_ERROR) from None
