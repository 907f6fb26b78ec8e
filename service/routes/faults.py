"""Route requests that report or raise errors on purpose, to follow them through every sink."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, Flask

from flask_onetrace.runtime_routes import DeliberateError
from flask_onetrace.settings import Settings

blueprint = Blueprint("faults", __name__)
"""Only where the settings allow it: in production anyone could fill the error tracker, and its bill, with them."""


@blueprint.get("/rollbar/test")
def rollbar_test() -> str:
    """Report the tutorial's warning message to Rollbar."""
    import rollbar  # noqa: PLC0415 - the SDK is not imported before it is used

    rollbar.report_message("Hello World!", "warning")
    return "Hello World!"


@blueprint.get("/api/fault")
def fault() -> NoReturn:
    """Raise an exception that nothing handles."""
    raise DeliberateError("this route fails on purpose: follow its trace id")


def register(app: Flask, settings: Settings) -> None:
    """Add the routes to `app` where the settings allow them."""
    if settings.fault_routes:
        app.register_blueprint(blueprint)
