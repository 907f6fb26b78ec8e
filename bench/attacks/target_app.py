"""Add routes to the service that fail in ways that its own do not, for gunicorn: `bench.attacks.target_app:build()`."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from typing import NoReturn

from flask import Blueprint, Flask, Response, request

from bench.attacks import planted
from flask_onetrace import telemetry
from flask_onetrace.wsgi import build as build_service

logger = logging.getLogger(__name__)
routes = Blueprint("attack", __name__, url_prefix="/attack")
EXITS: dict[str, BaseException] = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "BaseExceptionGroup": BaseExceptionGroup("a group", [KeyboardInterrupt(), ValueError("in a group")]),
}
STREAM_CHUNKS, _CHUNK = 2_000, b"x" * 65_536
OWN_KEYS = ("HONEYCOMB_API_KEY", "ROLLBAR_ACCESS_TOKEN")


def build() -> Flask:
    """Return the service's app as gunicorn gets it, with the routes."""
    app = build_service()
    app.register_blueprint(routes)
    return app


@routes.get("/raise/<kind>")
def raise_exit(kind: str) -> NoReturn:
    """Raise what is no `Exception`."""
    raise EXITS[kind].with_traceback(None)


@routes.get("/huge")
def raise_huge() -> NoReturn:
    """Raise an exception with a text of 50 MB."""
    raise RuntimeError("x" * 50_000_000)


@routes.get("/cause/<int:number>")
def raise_cause(number: int) -> NoReturn:
    """Raise an exception of a type of its own."""
    raise type(f"Cause{number}Error", (Exception,), {})(f"cause {number}")


@routes.get("/wait/<float:seconds>")
def wait(seconds: float) -> str:
    """Respond late."""
    time.sleep(seconds)
    return "late"


@routes.get("/stream")
def stream() -> Response:
    """Respond with 128 MB."""

    def chunks() -> Iterator[bytes]:
        for _ in range(STREAM_CHUNKS):
            yield _CHUNK

    return Response(chunks())


@routes.get("/log")
def log() -> str:
    """Log the query's `message`."""
    logger.warning(request.args["message"])
    return "logged"


@routes.get("/call")
def call() -> str:
    """Call the query's `url`."""
    import requests  # noqa: PLC0415 - where it is used

    requests.get(request.args["url"], timeout=5)
    return "called"


@routes.route("/leak", methods=["GET", "POST"])
def leak() -> NoReturn:
    """Read the request, and fail."""
    request.get_json(silent=True)
    raise RuntimeError(f"cannot handle a request of {len(request.form)} fields")


@routes.get("/careless/<int:port>")
def careless(port: int) -> NoReturn:
    """Put secrets into log lines, spans and the URLs of calls to `port`, then fail with some more."""
    import requests  # noqa: PLC0415 - where it is used
    from opentelemetry import trace  # noqa: PLC0415 - the same

    for name in planted.planted("log fields"):
        logger.warning("a line", extra={"fields": {name: planted.secret("log fields", name)}})
    for name in planted.planted("log texts"):
        logger.warning("a line: %s", planted.planted("log texts")[name])
    trace.get_current_span().set_attributes(planted.planted("span attributes"))
    for name in planted.planted("outgoing URLs"):
        requests.get(planted.planted("outgoing URLs")[name].format(port=port), timeout=5)
    _own_keys()
    _fail()


def _own_keys() -> None:
    for name in OWN_KEYS:
        logger.error("the key is %s", os.environ[name])
        telemetry.annotate(key_in_use=f"with {os.environ[name]}")


def _fail() -> NoReturn:
    place = "local variables"
    password, db_password, api_key, access_token, session_token = (
        planted.secret(place, name) for name in ("password", "db_password", "api_key", "access_token", "session_token")
    )
    secret_key, private_key = planted.secret(place, "secret_key"), planted.secret(place, "private_key")
    headers = {"authorization": planted.secret(place, "authorization")}
    config = {each: planted.secret(place, each) for each in ("client_secret", "credentials")}
    del place
    used = len(f"{password}{db_password}{api_key}{access_token}{session_token}{secret_key}{private_key}")
    raise RuntimeError(
        f"{used + len(headers) + len(config)}: {' and '.join(planted.planted('exception texts').values())}"
    )
