"""Encode any object as JSON: a handler's metadata or local variable must never make a document fail."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

_MAX_DEPTH = 32
_MAX_ITEMS = 10_000
_MAX_INTEGER = 2**63
_UNREADABLE = "(could not be read)"


def dumps(document: Mapping[str, Any]) -> bytes:
    """Return `document` as JSON. Never raises: a value that JSON cannot represent becomes text."""
    try:
        return orjson.dumps(document, default=_public_attributes)
    except (TypeError, RecursionError):  # orjson's own error is a TypeError: keys, surrogates, cycles, huge numbers
        return orjson.dumps(_plain(document, 0))


def text(value: object) -> str:
    """Return `value` as text that UTF-8 can encode, even where its `__str__` raises."""
    try:
        return str(value).encode("utf-8", "replace").decode("utf-8")
    except Exception:  # noqa: BLE001 - a handler's object may raise anything
        return _UNREADABLE


def number(value: object) -> bool | int | float | None:
    """Return `value` if it is a boolean, or a number in the range of JSON and X-Ray; else None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) and abs(value) < _MAX_INTEGER else None


def _public_attributes(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return an object's public attributes, or its text without any, as the X-Ray SDK does."""
    if isinstance(value, set | frozenset):
        return list(value)
    attributes = {} if isinstance(value, type) else getattr(value, "__dict__", {})
    public = {key: each for key, each in attributes.items() if not key.startswith("_") and not callable(each)}
    return public or text(value)


def _plain(value: object, depth: int) -> Any:  # noqa: ANN401 - any JSON
    try:
        return _plain_value(value, depth)
    except Exception:  # noqa: BLE001 - a handler's object may raise anything
        return _UNREADABLE


def _plain_value(value: object, depth: int) -> Any:  # noqa: ANN401 - any JSON
    if value is None or isinstance(value, bool | int | float):
        return value if value is None or number(value) is not None else text(value)
    if isinstance(value, str | bytes):
        return text(value)
    if depth >= _MAX_DEPTH:
        return "(nested too deep)"
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_MAX_ITEMS]
        return {text(key): _plain(each, depth + 1) for key, each in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, depth + 1) for each in list(value)[:_MAX_ITEMS]]
    return _plain(_public_attributes(value), depth + 1)
