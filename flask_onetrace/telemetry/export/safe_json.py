"""Encode any object as JSON: a handler's metadata or local variable must never make a document fail."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from flask_onetrace.telemetry.plain import exact_integer, is_encodable
from flask_onetrace.telemetry.redaction.copies import AS_IT_IS, Copier, public_attributes

_MAX_ITEMS = 50_000
_MAX_CHARACTERS = 4 * 1024 * 1024
"""What is kept of a document that is not plain, which its builder should have bounded."""
_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def dumps(document: Mapping[str, Any]) -> bytes:
    """Return `document` as JSON. Never raises: a value that JSON cannot represent becomes text."""
    try:
        return orjson.dumps(document, default=_bytes_as_text, option=_OPTIONS)
    except (TypeError, RecursionError):  # orjson's own error is a TypeError: keys, surrogates, cycles, huge numbers
        copier = Copier(
            AS_IT_IS,
            public_attributes,
            _MAX_CHARACTERS,
            max_items=_MAX_ITEMS,
            max_texts=_MAX_CHARACTERS,
            too_deep="(nested too deep)",
        )
        return orjson.dumps(copier.mapping(document), default=_bytes_as_text)


def number(value: object) -> bool | int | float | None:
    """Return `value` if it is a boolean, or a number in the range of JSON and X-Ray; else None."""
    kind = type(value)
    if issubclass(kind, float):
        exact = float.__float__(value)  # type: ignore[arg-type]  # known by its class
        return exact if math.isfinite(exact) else None
    if issubclass(kind, int):
        return value if isinstance(value, bool) else exact if is_encodable(exact := exact_integer(value)) else None
    return None


def _bytes_as_text(value: object) -> str:
    """Return bytes as Python prints them: the only plain type that JSON has not."""
    if type(value) is not bytes:
        raise TypeError
    return repr(value)
