"""Say which other origins may call: the answer to CORS requests is the application's own."""

from __future__ import annotations

from flask_onetrace.settings import Settings


def allowed_origins(settings: Settings) -> frozenset[str]:
    """Return the origins of `FRONTEND_URL` and `BACKEND_URL`, which may call besides the service's own."""
    return settings.frontend_origins | settings.backend_origins
