"""Serve the page that `service/web` builds, under a policy that lets it run and reach nothing but this service."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, make_response, send_from_directory
from werkzeug.exceptions import NotFound

from service.settings import Settings

BUILT: Final = Path(__file__).parents[1] / "web" / "dist"
_VERSION = '<meta name="service-version" content="unknown">'
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_A_YEAR = 31_536_000
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Said here: a slim image has no table of types, and a module of another type is not run."""


def register(app: Flask, settings: Settings, built: Path = BUILT) -> None:
    """Add the page to `app`. One that is not built answers 404 with the remedy."""
    blueprint = Blueprint("page", __name__)

    @blueprint.get("/")
    def index() -> Response:
        """Serve the page; a browser asks each time whether it has changed."""
        try:
            text = (built / "index.html").read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise NotFound("the page is not built: run `make setup`, or `npm run build` in service/web") from error
        said = f'<meta name="service-version" content="{html.escape(settings.version)}">'
        answer = make_response(text.replace(_VERSION, said))
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        return _protected(answer)

    @blueprint.get("/assets/<path:name>")
    def asset(name: str) -> Response:
        """Serve a part of the page, for good: its name holds a hash of its content."""
        mimetype = _TYPES.get(Path(name).suffix)
        answer = send_from_directory(built / "assets", name, max_age=_A_YEAR, mimetype=mimetype)
        answer.cache_control.public = answer.cache_control.immutable = True
        return _protected(answer)

    app.register_blueprint(blueprint)


def _protected(answer: Response) -> Response:
    answer.headers.update(_HEADERS)
    return answer
