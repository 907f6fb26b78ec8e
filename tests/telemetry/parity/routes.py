"""The routes that are served with the stock instrumentations and with ours, and the requests to them."""

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
"""What gunicorn adds to the WSGI environment and werkzeug's test client does not."""


class RequestSpec(NamedTuple):
    """A request, by default a GET to port 80 without a load balancer."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    environ: dict[str, str] = {}  # noqa: RUF012 - never changed


class BoomError(Exception):
    """Raised by the route that fails."""


def make_app(name: str) -> Flask:
    """Return an app whose `before_request` is registered before any instrumentation."""
    app = Flask(name, static_folder=None)
    app.before_request(_guard)
    app.add_url_rule("/ok", view_func=_ok)
    app.add_url_rule("/status/<int:code>", view_func=abort)
    app.add_url_rule("/boom", view_func=_boom)
    app.add_url_rule("/streamed", view_func=_streamed)
    app.add_url_rule("/api/activities/@<handle>", view_func=_ok)
    return app


def send(app: Flask, spec: RequestSpec) -> TestResponse:
    """Send the request and read the whole body."""
    return app.test_client().open(
        spec.path,
        method=spec.method,
        headers=_HEADERS | spec.headers,
        environ_overrides=_ENVIRON | spec.environ,
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
