"""Fetch the health check's detail from one address, bounded to the fields that the page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
import requests

from operations.traces.document import Json

TIMEOUT: Final = (0.5, 1.5)
"""Seconds to connect, and between two bytes."""
MAX_BYTES: Final = 256 * 1024
MAX_SINKS: Final = 16
MAX_NAMES: Final = 40
MAX_TEXT: Final = 500
"""Characters."""
FIGURES: Final = ("queued", "capacity", "queued_bytes", "max_bytes", "delivered")
DETAILS: Final = ("sampling", "relay", "claims", "threads", "instrumentations", "unusable_variables")


class UnreadableError(Exception):
    """Why an address has no detail, in words for the page."""


def fetch(client: requests.Session, address: str, paths: Iterable[str]) -> Json:
    """Return the detail of the worker that answers at `address`, by the first path that shows it (`path`)."""
    reason = ""
    for path in paths:
        document = _get(client, f"http://{address}{path}?detail")
        if isinstance(document.get("worker"), int) and isinstance(document.get("sinks"), dict):
            return {**_cleaned(document), "path": path}
        reason = f"{path} of {address} shows no detail: it is a route of the application, or detail is refused there"
    raise UnreadableError(reason)


def _get(client: requests.Session, url: str) -> Mapping[str, Any]:
    try:
        # A connection for each: several workers then answer in turn.
        with client.get(
            url, timeout=TIMEOUT, allow_redirects=False, stream=True, headers={"Connection": "close"}
        ) as response:
            body = response.raw.read(MAX_BYTES + 1, decode_content=True)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise UnreadableError(_connection_problem(url, error)) from error
    except (requests.RequestException, OSError, ValueError) as error:
        raise UnreadableError(f"{url} cannot be read: {error}"[:MAX_TEXT]) from error
    if response.status_code != HTTPStatus.OK:
        raise UnreadableError(f"{url} answered {response.status_code}")
    try:
        document = orjson.loads(body) if len(body) <= MAX_BYTES else None
    except orjson.JSONDecodeError:
        document = None
    return document if isinstance(document, dict) else {}


def _connection_problem(url: str, error: Exception) -> str:
    address = url.split("/")[2]
    if isinstance(error, requests.Timeout):
        return f"{address} does not respond within {TIMEOUT[1]} s: the service hangs, or its container is paused"
    return f"{address} refuses connections: the service has stopped"


def _cleaned(document: Mapping[str, Any]) -> Json:
    sinks = [(name, value) for name, value in document["sinks"].items() if isinstance(value, dict)]
    return {
        "worker": document["worker"],
        "version": _text(document.get("version")),
        "environment": _text(document.get("environment")),
        "sinks": {_text(name): _sink(value) for name, value in sinks[:MAX_SINKS]},
        **{name: bounded(document[name]) for name in DETAILS if name in document},
    }


def _sink(sink: Mapping[str, Any]) -> Json:
    dropped = sink.get("dropped")
    return {
        "on": sink.get("on") is True,
        "because": _text(sink.get("because")),
        "last_error": _text(sink.get("last_error")),
        "unauthorized": _text(sink.get("unauthorized")),
        **{name: sink[name] for name in FIGURES if isinstance(sink.get(name), int)},
        "dropped": {
            _text(name): value
            for name, value in list((dropped if isinstance(dropped, dict) else {}).items())[:MAX_NAMES]
            if isinstance(value, int)
        },
    }


def bounded(value: object, depth: int = 3) -> Any:  # noqa: ANN401 - JSON
    """Return JSON with short texts, few names and little nesting."""
    if isinstance(value, dict):
        pairs = list(value.items())[:MAX_NAMES]
        return {_text(name): bounded(each, depth - 1) for name, each in pairs} if depth else {}
    if isinstance(value, list):
        return [bounded(each, depth - 1) for each in value[:MAX_NAMES]] if depth else []
    return value if value is None or isinstance(value, bool | int | float) else _text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)[:MAX_TEXT]
