"""The inputs that take most memory in the sinks' queues, one kind at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from aws_xray_sdk.core import xray_recorder
from flask import Flask, request

from bench.overhead.direct import environ_of, serve_one
from bench.paths import FAULT, HOME, NOTIFICATIONS
from flask_onetrace.telemetry import EXTENSION

logger = logging.getLogger("service.worst")

_HEADER = 8_000
_HEADERS = 60
"""A client's headers, almost as long and many as gunicorn accepts: half a megabyte a request."""
_INNER_SPANS = 1_000
_LINE = 256 * 1024
_EXCEPTION = 50_000_000
_CAUSES = 1_300
_BROWSER_BODY = bytes(256 * 1024)


def add_routes(app: Flask) -> None:
    """Add the routes whose handlers hand in what is large."""
    for handler in (spans, metadata, lines, exception, local_variables):
        app.add_url_rule(f"/worst/{handler.__name__}", handler.__name__, handler, methods=["GET", "POST"])


def spans() -> str:
    """Open subsegments with metadata."""
    for number in range(_INNER_SPANS):
        with xray_recorder.in_subsegment(f"step {number}") as subsegment:
            subsegment.put_metadata("row", {"id": number, "text": "x" * 500 + str(number)})
    return ""


def metadata() -> str:
    """Add metadata of 20 MB, and of many objects."""
    xray_recorder.put_metadata("text", "x" * 20_000_000)
    xray_recorder.put_metadata("rows", [{"id": number} for number in range(50_000)])
    for number in range(20):
        xray_recorder.put_metadata(f"part {number}", ["y" * 40_000 + str(each) for each in range(20)])
    return ""


def lines() -> str:
    """Log lines of 256 KiB."""
    for number in range(4):
        logger.warning("%d %s", number, "é" * (_LINE // 2))
    return ""


def exception() -> NoReturn:
    """Raise an exception of 50 MB."""
    raise ValueError("x" * _EXCEPTION)


def local_variables() -> NoReturn:
    """Raise from one of many lines, with large local variables."""
    number = int(request.args["cause"])
    rows = [f"{number} {each} " + "x" * 1_000 for each in range(200)]
    source = "\n" * number + "raise LookupError(len(rows))"
    exec(compile(source, "causes.py", "exec"), {"rows": rows})  # noqa: S102 - a line for each cause
    raise AssertionError


def large_headers(app: Flask, number: int) -> None:
    """Request a page with as long a path, query and headers as a server accepts."""
    texts = [f"{number:06}{chr(97 + each % 26) * _HEADER}" for each in range(_HEADERS)]
    environ = environ_of(HOME, number)
    environ |= {f"HTTP_X_HEADER_{each}": text for each, text in enumerate(texts)}
    environ |= {
        "PATH_INFO": f"/{texts[0][:4_000]}",
        "QUERY_STRING": texts[1][:4_000],
        "HTTP_HOST": texts[2],
        "HTTP_USER_AGENT": texts[3],
        "HTTP_X_FORWARDED_FOR": texts[4],
        "HTTP_BAGGAGE": f"user={texts[5]}",
        "HTTP_X_CRUDDUR_USER": texts[6],
    }
    serve_one(app, environ)


def _request(path: str) -> Callable[[Flask, int], None]:
    return lambda app, number: serve_one(app, environ_of(path, number))


def _local_variables(app: Flask, number: int) -> None:
    environ = environ_of("/worst/local_variables", number)
    serve_one(app, environ | {"QUERY_STRING": f"cause={number % _CAUSES}"})


def _browser(app: Flask, _: int) -> None:
    queue = app.extensions[EXTENSION].queue_of("browser")
    if queue is not None:
        queue.put(bytes(bytearray(_BROWSER_BODY)))


Kind = tuple[Callable[[Flask, int], None], int]
KINDS: dict[str, Kind] = {
    "large headers": (large_headers, 3_000),
    "1,000 subsegments": (_request("/worst/spans"), 6),
    "large metadata": (_request("/worst/metadata"), 5),
    "256 KiB log lines": (_request("/worst/lines"), 40),
    "50 MB exceptions": (_request("/worst/exception"), 2),
    "large local variables": (_local_variables, _CAUSES),
    "browser bodies": (_browser, 100),
    "many requests": (
        lambda app, number: serve_one(app, environ_of((HOME, NOTIFICATIONS)[number % 2], number)),
        8_000,
    ),
    "errors": (_request(FAULT), 300),
}
"""What is requested for each kind, and how often: more than any queue holds."""
OF_SINKS = {
    "honeycomb": ("large headers", "1,000 subsegments", "50 MB exceptions", "many requests"),
    "xray": ("large headers", "1,000 subsegments", "large metadata", "50 MB exceptions", "many requests"),
    "cloudwatch": ("large headers", "256 KiB log lines", "50 MB exceptions", "many requests"),
    "rollbar": ("large local variables", "50 MB exceptions", "errors"),
    "browser": ("browser bodies",),
    "console": ("256 KiB log lines", "large headers", "many requests"),
    "all": tuple(KINDS),
}


def run(app: Flask, kind: str, share: float = 1.0) -> None:
    """Send the requests of one kind, or a `share` of them."""
    send, count = KINDS[kind]
    for number in range(max(1, int(count * share))):
        with suppress(ValueError, LookupError):  # the handler's own, where the app passes errors on
            send(app, number)
