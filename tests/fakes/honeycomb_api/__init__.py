"""A fake of Honeycomb's configuration API, version 1."""

from __future__ import annotations

from tests.fakes.honeycomb_api.app import create_app
from tests.fakes.honeycomb_api.environment import Environment, PlannedResponse

__all__ = ["Environment", "PlannedResponse", "create_app"]
