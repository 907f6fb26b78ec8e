"""Build the service for gunicorn as `make up` runs it: the same app, behind the request guard.

Only this file runs it differently from AWS, where no browser of the operator can reach the task.
"""

from __future__ import annotations

import re

from flask import Flask

from flask_onetrace.cors import allowed_origins
from flask_onetrace.settings import Settings
from flask_onetrace.wsgi import build
from local.request_guard import wsgi
from local.request_guard.decision import LOOPBACK_NAMES, Policy


def build_guarded(load_balancer: str) -> Flask:
    """Return the app, which accepts requests from pages of the load balancer (`host:port`) and of `FRONTEND_URL`."""
    app = build()
    names = f"{LOOPBACK_NAMES}|{re.escape(load_balancer.partition(':')[0])}"
    policy = Policy(names, allowed_origins(Settings.from_env()) | {f"http://{load_balancer}"})
    app.wsgi_app = wsgi.guarded(app.wsgi_app, policy)  # type: ignore[method-assign, assignment]  # Flask's documented way
    return app
