"""Guard a WSGI application."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .decision import CONTENT_TYPE, CORS_PREFIX, STATUS, Policy, Values, allows_cors, refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def guarded(app: WSGIApplication, policy: Policy) -> WSGIApplication:
    """Return `app` behind the guard. The server must set `RAW_URI`, as gunicorn and werkzeug do."""

    def guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        values = _values(environ)
        refused = refusal(policy, environ["RAW_URI"], values)
        if refused is None:
            return app(environ, start_response if allows_cors(policy, values) else _without_cors(start_response))
        body = json.dumps({"error": refused.message}).encode()
        start_response(f"{STATUS} Forbidden", [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return guard


def _values(environ: WSGIEnvironment) -> Values:
    """Read the environment, in which the server has joined the values of a repeated header with commas."""

    def values(name: str) -> Sequence[str]:
        value = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return [] if value is None else [value]

    return values


def _without_cors(start_response: StartResponse) -> StartResponse:
    def strip(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - exc_info
        kept = [pair for pair in headers if not pair[0].lower().startswith(CORS_PREFIX)]
        return start_response(status, kept, *error)

    return strip
