"""The routes that the stock instrumentations and ours serve alike, and how they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from flask import Flask, Response, abort, request
from werkzeug.test import TestResponse

TRACE_ID = "1-67f1a2b3-0123456789abcdef01234567"
PARENT_ID = "53995c3f42cd8ad8"
_HEADERS = {
    "Host": "cruddur.example",
    "User-Agent": "test/1.0",
    "X-Amzn-Trace-Id": f"Root={TRACE_ID};Parent={PARENT_ID};Sampled=1",
}
_ENVIRON = {"REMOTE_ADDR": "192.0.2.10", "REMOTE_PORT": "40123"}
"""What gunicorn adds to a request, and werkzeug's client does not."""


class Ask(NamedTuple):
    """One request, by default a plain one sent straight to port 80."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    environ: dict[str, str] = {}  # noqa: RUF012 - never changed


class BoomError(Exception):
    """Raised by the route that fails."""


def make_app(name: str) -> Flask:
    """Return an app whose own `before_request` was there before any instrumentation."""
    app = Flask(name, static_folder=None)
    app.before_request(_guard)
    app.add_url_rule("/ok", view_func=_ok)
    app.add_url_rule("/status/<int:code>", view_func=abort)
    app.add_url_rule("/boom", view_func=_boom)
    app.add_url_rule("/streamed", view_func=_streamed)
    app.add_url_rule("/api/activities/@<handle>", view_func=_ok)
    return app


def send(app: Flask, ask: Ask) -> TestResponse:
    """Send `ask` and read the body to its end."""
    return app.test_client().open(
        ask.path,
        method=ask.method,
        headers=_HEADERS | ask.headers,
        environ_overrides=_ENVIRON | ask.environ,
        buffered=True,
    )


def _guard() -> tuple[str, int] | None:
    return ("who are you?", 401) if "Refuse" in request.headers else None


def _ok(**_: str) -> str:
    return "ok"


def _boom() -> NoReturn:
    raise BoomError("it broke")


def _streamed() -> Response:
    def chunks() -> Iterator[str]:
        yield "one "
        yield "two"

    return Response(chunks())
