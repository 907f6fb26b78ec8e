"""A fake of Honeycomb: OTLP/HTTP trace exports in, spans by trace id and query results out."""

from __future__ import annotations

from local.fakes.honeycomb.app import create_app

__all__ = ["create_app"]
