"""Build the application for gunicorn as `make up` runs it: the same app, behind the request guard.

Only this file runs it differently from AWS, where no browser of the operator can reach the task. The environment of
an application that is not in this checkout imports it as `onetrace_request_guard.service`.
"""

from __future__ import annotations

import re

from flask import Flask

from flask_onetrace.cors import allowed_origins
from flask_onetrace.settings import Settings
from flask_onetrace.wsgi import build

from . import wsgi
from .decision import LOOPBACK_NAMES, Policy


def build_guarded(load_balancer: str) -> Flask:
    """Return the app, which accepts requests from its own pages at the load balancer's name and of `FRONTEND_URL`."""
    app = build()
    names = f"{LOOPBACK_NAMES}|{re.escape(load_balancer)}"
    policy = Policy(names, allowed_origins(Settings.from_env()))
    app.wsgi_app = wsgi.guarded(app.wsgi_app, policy)  # type: ignore[method-assign, assignment]  # Flask's documented way
    return app
