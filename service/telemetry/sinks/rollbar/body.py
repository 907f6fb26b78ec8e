"""Write an error item as the bytes that are posted: no key of the service in it, and no longer than Rollbar takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from service.settings import Settings
from service.telemetry.export.safe_json import dumps, text

MAX_BODY = 512 * 1024
"""Bytes: what Rollbar's own Ruby SDK keeps its items to (`MAX_PAYLOAD_SIZE`). The API answers 413 to too much."""
LEFT_OUT = "left_out"
"""The field of `custom` that says what an item lacks, and why."""
_REDACTED = b"[redacted]"
_SHORTEST_KEY = 8
"""Characters. A shorter one would be found in harmless text."""
_LOCALS = ("locals", "argspec", "varargspec", "keywordspec")
_SHORT = 2_000


def keys_of(settings: Settings) -> tuple[bytes, ...]:
    """Return the service's own keys: a frame's local variables may hold them under any name."""
    held = [key.reveal() for key in (settings.rollbar_access_token, settings.honeycomb_api_key) if key is not None]
    held += settings.otlp_headers.reveal().values()
    return tuple(orjson.dumps(key)[1:-1] for key in held if len(key) >= _SHORTEST_KEY)


def encode(data: dict[str, Any], keys: tuple[bytes, ...]) -> bytes:
    """Return `data` as a body; of one too long, first without local variables, then little but its message."""
    body = _written(data, keys)
    if len(body) <= MAX_BODY:
        return body
    for trace in _traces(data):
        for frame in trace["frames"]:
            for name in _LOCALS:
                frame.pop(name, None)
    note(data, "local variables: the item was too long")
    body = _written(data, keys)
    return body if len(body) <= MAX_BODY else _written(_least(data), keys)


def note(data: dict[str, Any], what: str) -> None:
    """Say in the item what it lacks."""
    data["custom"] = {**(data.get("custom") or {}), LEFT_OUT: what}


def _written(data: dict[str, Any], keys: tuple[bytes, ...]) -> bytes:
    body = dumps({"data": data})
    for key in keys:
        body = body.replace(key, _REDACTED)
    return body


def _traces(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    body = data["body"]
    if "trace" in body:
        yield body["trace"]
    yield from body.get("trace_chain", ())


def _least(data: dict[str, Any]) -> dict[str, Any]:
    """Return the item with its ids, its traceback's end and the beginning of its message."""
    kept = {key: data[key] for key in data if key not in ("body", "request", "custom")}
    said = "; ".join(text(trace["exception"]["message"])[:_SHORT] for trace in _traces(data))
    body = data["body"].get("message", {}).get("body", said)
    custom = {key: value for key, value in (data.get("custom") or {}).items() if isinstance(value, str)}
    least = {**kept, "body": {"message": {"body": text(body)[:_SHORT]}}, "custom": custom}
    note(least, "all but the message: the item was too long")
    return {**least, "custom": {key: value[:_SHORT] for key, value in least["custom"].items()}}
