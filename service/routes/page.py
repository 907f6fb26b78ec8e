"""Serve the page that `service/web` builds, under a Content-Security-Policy that allows only this service."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, make_response, send_from_directory
from werkzeug.exceptions import NotFound

from flask_onetrace.settings import Settings

ASSETS_PATH: Final = "/assets/"
DIST: Final = Path(__file__).parents[1] / "web" / "dist"
_VERSION_TAG = '<meta name="service-version" content="unknown">'
_RELAY_TAG = '<meta name="browser-relay" content="on">'
_TRACE_URL_TAG = '<meta name="trace-url" content="">'
_RELAY_OFF_TAG = '<meta name="browser-relay" content="off">'
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SECURITY_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_ONE_YEAR = 31_536_000
_MIME_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""A slim image has no MIME database, and browsers run no module of another type."""


def register(app: Flask, settings: Settings, dist: Path = DIST) -> None:
    """Add the page to `app`. A page that is not built is a 404 with the remedy."""
    blueprint = Blueprint("page", __name__)

    @blueprint.get("/")
    def index() -> Response:
        """Serve the page; browsers revalidate it each time."""
        try:
            text = (dist / "index.html").read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise NotFound("the page is not built: run `make setup`, or `npm run build` in service/web") from error
        tag = f'<meta name="service-version" content="{html.escape(settings.version)}">'
        text = text.replace(_VERSION_TAG, tag)
        if settings.trace_url is not None:
            url = html.escape(settings.trace_url)
            text = text.replace(_TRACE_URL_TAG, f'<meta name="trace-url" content="{url}">')
        if not settings.browser_relay:
            text = text.replace(_RELAY_TAG, _RELAY_OFF_TAG)
        response = make_response(text)
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag()
        return _secured(response)

    @blueprint.get(f"{ASSETS_PATH}<path:name>")
    def asset(name: str) -> Response:
        """Serve an asset as immutable: its name holds a hash of its content."""
        mimetype = _MIME_TYPES.get(Path(name).suffix)
        response = send_from_directory(dist / "assets", name, max_age=_ONE_YEAR, mimetype=mimetype)
        response.cache_control.public = response.cache_control.immutable = True
        return _secured(response)

    app.register_blueprint(blueprint)


def _secured(response: Response) -> Response:
    response.headers.update(_SECURITY_HEADERS)
    return response
