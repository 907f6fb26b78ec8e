"""The service's fake back ends."""

from tests.telemetry.conftest import app, backends, make_app

__all__ = ["app", "backends", "make_app"]
