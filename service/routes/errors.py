"""Return every error as JSON that carries the trace id."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException, InternalServerError

from flask_onetrace.telemetry import trace_id


def register(app: Flask) -> None:
    """Make `app` return its errors as JSON."""
    app.register_error_handler(HTTPException, _error_response)


def _error_response(error: HTTPException) -> tuple[dict[str, Any], int, list[tuple[str, str]]]:
    status = error.code or InternalServerError.code
    # Werkzeug's own headers, such as `Allow` of a 405, are kept; the content type is ours.
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    body = {
        "error": {"status": status, "name": error.name, "message": error.description},
        "trace_id": trace_id(),
    }
    return body, status, headers
