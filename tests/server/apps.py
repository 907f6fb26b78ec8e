"""Applications and workers that only tests serve."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask, Response, request, stream_with_context
from flask_sock import Sock
from simple_websocket import Server

from flask_onetrace.server.limits import Limits
from flask_onetrace.server.worker import BufferingWorker
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import span
from service.factory import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECRET = "hunter2-5ecret"
LONG = 3_000_000
"""Bytes of a response that no kernel buffer holds."""


class ImpatientWorker(BufferingWorker):
    """A worker whose limits are small enough to wait for."""

    limits = Limits(head_seconds=1.0, body_seconds=2.0, flush_seconds=2.5, stream_bytes=1024 * 1024)


class CrampedWorker(BufferingWorker):
    """A worker that holds little in memory, and nothing in files."""

    limits = Limits(max_buffered_bytes=512 * 1024, files_bytes=0)


class DisklessWorker(BufferingWorker):
    """A worker that can write no file."""

    limits = Limits(files_bytes=0)


class NarrowWorker(BufferingWorker):
    """A worker whose disk is small."""

    limits = Limits(files_bytes=4_000_000)


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Return what a WSGI application sees of a request; read its body unless the path begins with /unread."""
    path = environ["PATH_INFO"]
    body = b"" if path.startswith("/unread") else environ["wsgi.input"].read()
    fields = {name: environ[name] for name in environ if name.startswith("HTTP_") or name.isupper()}
    fields = {name: str(value) for name, value in fields.items() if name not in {"REMOTE_PORT", "SERVER_PORT"}}
    seen = {"fields": fields, "body": hashlib.sha256(body).hexdigest(), "length": len(body)}
    text = json.dumps(seen, sort_keys=True).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]


def build() -> Flask:
    """Return the service with routes that misbehave."""
    app = create_app(Settings.from_env())

    @app.post("/upload")
    def upload() -> dict[str, int]:
        return {"length": len(request.get_data())}

    @app.post("/echo")
    def echo_body() -> Response:
        pieces = iter(lambda: request.stream.read(8_192), b"")
        return Response(stream_with_context(pieces))

    @app.get("/long")
    def long() -> Response:
        return Response(b"x" * LONG)

    @app.get("/stream")
    def stream() -> Response:
        pause = float(request.args.get("pause", 0))

        def produce() -> Iterator[bytes]:
            for _ in range(200):
                yield b"x" * 65_536
                time.sleep(pause)

        return Response(produce())

    @app.get("/events")
    def events() -> Response:
        def produce() -> Iterator[bytes]:
            while True:
                yield b"data: tick\n\n"
                time.sleep(0.1)

        return Response(produce(), content_type="text/event-stream")

    @app.route("/slow", methods=["GET", "POST"])
    def slow() -> dict[str, int]:
        time.sleep(1)
        return {"length": request.content_length or 0}

    @app.get("/hang")
    def hang() -> str:
        time.sleep(60)
        return "late"

    _add_exceptions(app)
    return app


def _add_exceptions(app: Flask) -> None:
    @app.get("/unwritable/<int:pieces>")
    def unwritable(pieces: int) -> Response:
        items: list[Any] = [b"piece"] * pieces + [5]
        return Response(iter(items), direct_passthrough=True)

    @app.get("/secret-in-body")
    def secret_in_body() -> Response:
        def produce() -> Iterator[bytes]:
            yield b"piece"
            raise RuntimeError(f"password={SECRET} \x1b]0;owned\x07\n{{forged}}")

        return Response(produce())

    @app.get("/raise/<name>")
    def raise_exception(name: str) -> str:
        if name == "Group":
            raise BaseExceptionGroup("several", [SystemExit(1)])
        raise {"SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt, "GeneratorExit": GeneratorExit}[name]

    @app.get("/raise-in-body/<int:pieces>")
    def raise_in_body(pieces: int) -> Response:
        def produce() -> Iterator[bytes]:
            for _ in range(pieces):
                yield b"piece"
            raise SystemExit(1)

        return Response(produce())

    @app.get("/error-in-teardown")
    def error_in_teardown() -> str:
        return "fine"

    @app.get("/error-at-close")
    def error_at_close() -> Response:
        response = Response("x" * 10)
        response.call_on_close(_fail)
        return response

    @app.get("/error-in-body/<int:pieces>")
    def error_in_body(pieces: int) -> Response:
        def produce() -> Iterator[bytes]:
            for _ in range(pieces):
                yield b"piece"
            _fail()

        return Response(produce())

    @app.get("/websocket", websocket=True)
    def websocket() -> Response:
        return _Hijacking()

    # A middleware that is installed before telemetry is beneath it.
    traced: Any = app
    traced.untraced_wsgi_app = _fail_beneath(traced.untraced_wsgi_app)

    @app.get("/raise-in-teardown")
    def raise_in_teardown() -> str:
        return "fine"

    @app.teardown_request
    def fail(_: BaseException | None) -> None:
        if request.path == "/raise-in-teardown":
            raise KeyboardInterrupt
        if request.path == "/error-in-teardown":
            _fail()


def _fail() -> NoReturn:
    raise LookupError("on purpose")


def _fail_beneath(app: WSGIApplication) -> WSGIApplication:
    def middleware(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/error-beneath":
            _fail()
        return app(environ, start_response)

    return middleware


def build_websockets() -> Flask:
    """Return the service with a WebSocket that echoes, in a span for each message."""
    app = create_app(Settings.from_env())

    @Sock(app).route("/echo")  # type: ignore[untyped-decorator]  # it publishes no types
    def echo_messages(ws: Server) -> None:
        while (message := ws.receive()) != "bye":
            with span("message"):
                logging.getLogger("echo").info("received")
                ws.send(message)

    return app


class _Hijacking(Response):
    """Serve the connection itself, and end as Flask-Sock does under gunicorn."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG002 - WSGI's signature
        environ["gunicorn.socket"].sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\nhello")
        raise StopIteration


def build_transfers() -> Flask:
    """Return an app that receives and sends bodies in every way, and accepts up to `MAX_CONTENT_LENGTH`."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 8_000_000

    @app.post("/whole")
    def whole() -> dict[str, Any]:
        return digest_of([request.get_data()])

    @app.post("/pieces")
    def pieces() -> dict[str, Any]:
        return digest_of(iter(lambda: request.stream.read(1_000), b""))

    @app.post("/raised-limit")
    def raised_limit() -> dict[str, Any]:
        request.max_content_length = 20_000_000
        return digest_of(iter(lambda: request.stream.read(100_000), b""))

    @app.post("/file")
    def file() -> dict[str, Any]:
        return digest_of([request.files["file"].read()])

    @app.route("/unread", methods=["GET", "POST"])
    def unread() -> str:
        return "unread"

    @app.get("/sized/<int:size>")
    def sized(size: int) -> Response:
        return Response(b"s" * size)

    @app.get("/streamed/<int:size>")
    def streamed(size: int) -> Response:
        return Response(b"t" * min(10_000, size - start) for start in range(0, size, 10_000))

    @app.get("/events")
    def events() -> Response:
        def produce() -> Iterator[bytes]:
            yield b"data: first\n\n"
            time.sleep(1)
            yield b"data: second\n\n"

        return Response(produce(), content_type="text/event-stream")

    return app


def digest_of(pieces: Iterable[bytes]) -> dict[str, Any]:
    """Return the length of all pieces together and their SHA-256."""
    length, digest = 0, hashlib.sha256()
    for piece in pieces:
        length += len(piece)
        digest.update(piece)
    return {"length": length, "digest": digest.hexdigest()}
