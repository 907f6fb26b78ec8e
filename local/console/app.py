"""Build the console's server: the page, and the JSON API that it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote

from flask import Flask, Response, jsonify, request, send_from_directory
from werkzeug.exceptions import HTTPException

from local.console import traces
from local.console.sinks import routes as sinks
from local.console.sinks.sampler import Sampler
from local.console.source import Source
from local.console.stack import routes as stack
from local.console.stack.local_stack import LocalStack
from local.fakes.server import MAX_BODY_BYTES, LocalServer
from local.request_guard.decision import LOOPBACK_NAMES, Policy
from operations.errors import OperatorError

WEB: Final = Path(__file__).with_name("web")
PAGES: Final = r"/(?:traces(?:/[0-9a-f-]{0,40})?|stack|sinks)?(?:\?.*)?"
"""The request targets that other pages may link to: each returns the same document, without any data."""
POLICY: Final = Policy(LOOPBACK_NAMES, pages=PAGES)
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
UNPROCESSABLE: Final = 422
SERVER_ERROR: Final = 500
REMEDIES: Final = {
    404: "Reload the page: it is of another version than this server",
    413: f"Send {MAX_BODY_BYTES} bytes at most",
    SERVER_ERROR: "See console.log in the state folder's logs",
}
OTHER_REMEDY: Final = "Reload the page"
UNESCAPED: Final = "!~*'()"
"""What `encodeURIComponent` does not escape (ECMA-262), beside what `quote` never does."""


def create_app(source: Source) -> Flask:
    """Return the app that serves the bundled page and reads the deployment of `source`."""
    app = Flask("console", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it: attributes keep their order
    app.register_blueprint(traces.blueprint(source), url_prefix="/api")
    deployed = LocalStack(source.session)
    app.register_blueprint(stack.blueprint(deployed), url_prefix="/api/stack")
    app.register_blueprint(sinks.blueprint(Sampler(deployed)), url_prefix="/api/sinks")

    @app.get("/")
    @app.get("/traces")
    @app.get("/traces/<trace_id>")
    def traces_page(trace_id: str = "") -> Response:
        response = send_from_directory(WEB, "index.html")
        response.headers["Link"] = _preloads(trace_id, request.args.get("filter", ""))
        return response

    @app.get("/stack")
    @app.get("/sinks")
    def other_page() -> Response:
        return send_from_directory(WEB, "index.html")

    @app.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return send_from_directory(WEB / "dist", name)

    @app.errorhandler(OperatorError)
    def operator_error(error: OperatorError) -> tuple[Response, int]:
        return jsonify(error=error.problem, remedy=error.remedy), UNPROCESSABLE

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response | HTTPException:
        if not request.path.startswith("/api/"):
            return error
        status = error.code or SERVER_ERROR
        response = jsonify(error=f"{status} {error.name}", remedy=REMEDIES.get(status, OTHER_REMEDY))
        response.status_code = status
        return response

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app


def _preloads(trace_id: str, terms: str) -> str:
    """Return the header by which the browser reads what the page asks for first while it loads the scripts.

    The URLs have to be those of the page to the letter (web/src/traces/requests.ts and trace.ts).
    """
    paths = ["/api/traces" + (f"?filter={quote(terms, safe=UNESCAPED)}" if terms else "")]
    paths += [f"/api/traces/{quote(trace_id, safe=UNESCAPED)}"] if trace_id else []
    return ", ".join(f"<{path}>; rel=preload; as=fetch; crossorigin" for path in paths)


def serve(source: Source, port: int) -> LocalServer:
    """Return the running server. Raises `OSError` when the port is in use."""
    return LocalServer(create_app(source), port, POLICY)
