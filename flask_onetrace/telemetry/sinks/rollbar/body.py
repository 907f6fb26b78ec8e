"""Encode an error item as the body that is posted: without secrets, and no longer than Rollbar accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_onetrace.telemetry.export.safe_json import dumps
from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.sinks.rollbar.redacted import redact_item

MAX_BODY = 512 * 1024
"""Bytes: what Rollbar's own Ruby SDK keeps its items to (`MAX_PAYLOAD_SIZE`). The API answers 413 to more."""
LEFT_OUT = "left_out"
"""The field of `custom` that names what was left out of an item, and why."""
_LOCALS = ("locals", "argspec", "varargspec", "keywordspec")
_MAX_TEXT = 2_000


def encode(data: dict[str, Any], redact: Redactor, max_body: int = MAX_BODY) -> bytes:
    """Return `data` as a body; over `max_body` bytes without local variables, then with little but its message."""
    data = redact_item(data, redact)
    body = _encoded(data, redact)
    if len(body) <= max_body:
        return body
    for trace in _traces(data):
        for frame in trace["frames"]:
            for name in _LOCALS:
                frame.pop(name, None)
    note_left_out(data, "local variables: the item was too long")
    body = _encoded(data, redact)
    return body if len(body) <= max_body else _encoded(_minimal(data), redact)


def note_left_out(data: dict[str, Any], parts: str) -> None:
    """Say in the item which `parts` it lacks."""
    data["custom"] = {**(data.get("custom") or {}), LEFT_OUT: parts}


def _encoded(data: dict[str, Any], redact: Redactor) -> bytes:
    return redact.json(dumps({"data": data}))


def _traces(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    body = data["body"]
    if "trace" in body:
        yield body["trace"]
    yield from body.get("trace_chain", ())


def _minimal(data: dict[str, Any]) -> dict[str, Any]:
    """Return the item with its ids and the beginning of its message."""
    rest = {key: data[key] for key in data if key not in ("body", "request", "custom")}
    messages = "; ".join(text(trace["exception"]["message"])[:_MAX_TEXT] for trace in _traces(data))
    message = data["body"].get("message", {}).get("body", messages)
    custom = {
        key: value[:_MAX_TEXT] if isinstance(value, str) else value
        for key, value in (data.get("custom") or {}).items()
        if isinstance(value, str | int)
    }
    item = {**rest, "body": {"message": {"body": text(message)[:_MAX_TEXT]}}, "custom": custom}
    note_left_out(item, "all but the message: the item was too long")
    return item
