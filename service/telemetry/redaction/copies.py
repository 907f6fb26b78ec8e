"""Copy what handlers hand in: without secrets, without cycles, and no larger than telemetry can keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from enum import Enum
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from service.telemetry.redaction.limits import CUT, MAX_DEPTH, MAX_ITEMS, MAX_NAME, MAX_TEXT, MAX_TEXTS
from service.telemetry.redaction.mask import REDACTED

_AS_THEY_ARE = (int, float, date, time, UUID, type(None))
_SHOWN = frozenset({int, float, bool, type(None)})
_ITEM_SIZE = 64
"""Bytes of an item beside its text."""
_UNREADABLE = "(could not be read)"

Describe = Callable[[object], Any]
"""Return what shows an object that is no text, number or collection."""


TextRedaction = Callable[[str, int], str]
"""Return a text without secrets, of at most so many characters."""


def hidden(text: str, limit: int) -> str:  # noqa: ARG001 - the signature of all redactions
    """Return the mask in place of all of `text`."""
    return REDACTED


class Rules(Protocol):
    """What is redacted, as far as a copy needs to know."""

    def text(self, text: str, limit: int) -> str:
        """Return `text` without secrets."""

    @property
    def of(self) -> Callable[[str], TextRedaction | None]:
        """Return what redacts the text that has a short name; None where the name needs redaction or more care."""

    def of_any(self, name: str) -> TextRedaction:
        """Return what redacts the text that has a short name, whatever it is."""

    def header(self, name: str) -> TextRedaction:
        """Return what redacts the value of the HTTP header `name`."""


class Copier:
    """Copy one value. What is beyond the limits is left out; `size` is an estimate of the copy's bytes."""

    def __init__(self, rules: Rules, describe: Describe, max_text: int = MAX_TEXT) -> None:
        self._rules = rules
        self._describe = describe
        self._max_text = max_text
        self._items = MAX_ITEMS
        self._characters = MAX_TEXTS

    @property
    def size(self) -> int:
        """Bytes of what has been copied."""
        return (MAX_ITEMS - self._items) * _ITEM_SIZE + MAX_TEXTS - self._characters

    def member(self, name: str, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any value of a handler's
        """Return a copy of the value that has this `name`."""
        if name.lower().endswith("headers") and not isinstance(value, str | bytes):
            return self._headers(value, depth)
        return self._by(self._rules.of_any(name[-MAX_NAME:]), value, depth)

    def _by(self, redaction: TextRedaction, value: Any, depth: int) -> Any:  # noqa: ANN401 - any value of a handler's
        if redaction is hidden:
            return value if value is None or type(value) is bool else REDACTED
        return self._text(value, redaction) if isinstance(value, str) else self.value(value, depth)

    def mapping(self, values: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
        """Return a copy of `values`. The names that are no text become text."""
        copy: dict[str, Any] = {}
        of, limit = self._rules.of, self._max_text
        is_field = "value" in values and self._is_secret_field(values)
        for name, value in islice(values.items(), MAX_ITEMS):
            if self._items <= 0 or self._characters <= 0:
                copy[CUT] = CUT
                break
            self._items -= 1
            # Most values are short texts and numbers, with short names: they take no further call.
            kind = type(value)
            redaction = of(name) if type(name) is str and len(name) <= MAX_NAME else None
            if redaction is None or is_field or (kind is str and len(value) > self._characters):
                self._add_member(copy, name, value, depth, is_field=is_field)
            elif kind is str:
                copy[name] = text = redaction(value, limit)
                self._characters -= len(name) + len(text)
            elif redaction is hidden and value is not None and kind is not bool:
                copy[name] = REDACTED
            elif kind in _SHOWN:
                copy[name] = value
            elif kind is dict and depth < MAX_DEPTH:
                copy[name] = self.mapping(value, depth + 1)
            else:
                copy[name] = self.value(value, depth + 1)
        return copy

    def _add_member(self, copy: dict[str, Any], name: object, value: object, depth: int, *, is_field: bool) -> None:
        key = name if isinstance(name, str) else _printed(name)
        self._characters -= min(len(key), MAX_NAME)
        member = REDACTED if is_field and key == "value" else self.member(key, value, depth + 1)
        copy[self._rules.text(key, MAX_NAME)] = member

    def value(self, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any value of a handler's
        """Return a copy of `value`."""
        self._items -= 1
        try:
            return self._value(value, depth)
        except Exception:  # noqa: BLE001 - a handler's object may raise anything
            return _UNREADABLE

    def _value(self, value: Any, depth: int) -> Any:  # noqa: ANN401 - any value of a handler's
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, str):
            return self._text(value, self._rules.text)
        if isinstance(value, bytes | bytearray):
            start = bytes(value[: self._max_text])
            return self._text(start.decode("latin-1"), self._rules.text).encode("latin-1", "replace")
        if isinstance(value, _AS_THEY_ARE):
            return value
        if depth >= MAX_DEPTH or self._items <= 0 or self._characters <= 0:
            return CUT
        return self._collection(value, depth)

    def _collection(self, value: Any, depth: int) -> Any:  # noqa: ANN401 - any value of a handler's
        if isinstance(value, Mapping):
            return self.mapping(value, depth)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self.mapping(dict(zip(value._fields, value, strict=False)), depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._sequence(value, depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return self.mapping({field.name: getattr(value, field.name) for field in fields}, depth)
        described = self._describe(value)
        return described if described is value else self.value(described, depth + 1)

    def _sequence(self, values: Iterable[Any], depth: int) -> Any:  # noqa: ANN401 - a list or a tuple
        items = list(islice(values, MAX_ITEMS))
        if len(items) == 2 and isinstance(items[0], str):  # noqa: PLR2004 - a pair, as of a header
            copy = [self._text(items[0], self._rules.text), self.member(items[0], items[1], depth + 1)]
        else:
            copy = [self.value(each, depth + 1) for each in islice(items, max(0, self._items))]
        if len(copy) < len(values):  # type: ignore[arg-type]  # each of the kinds above has a length
            copy.append(CUT)
        return tuple(copy) if isinstance(values, tuple) else copy

    def _headers(self, headers: Any, depth: int) -> Any:  # noqa: ANN401 - a mapping, or pairs
        self._items -= 1
        try:
            pairs = list(islice(headers.items() if isinstance(headers, Mapping) else headers, MAX_ITEMS))
            names = [_printed(name) for name, _ in pairs]
            copy = [
                (self._text(name, self._rules.text)[:MAX_NAME], self._by(self._rules.header(name), value, depth))
                for name, (_, value) in zip(names, pairs, strict=True)
            ]
        except Exception:  # noqa: BLE001 - no headers, but what has their name
            return self.value(headers, depth)
        return dict(copy) if isinstance(headers, Mapping) else copy

    def _is_secret_field(self, values: Mapping[Any, Any]) -> bool:
        """Return whether it is a field with its name and value as members: `{"name": "password", "value": "x"}`."""
        if "value" not in values:
            return False
        name = values.get("name", values.get("key"))
        return isinstance(name, str) and self._rules.of(name[-MAX_NAME:]) is hidden

    def _text(self, text: str, redact: Callable[[str, int], str]) -> str:
        redacted = redact(text, max(1, min(self._max_text, self._characters)))
        self._characters -= len(redacted)
        return redacted


def public_attributes(value: object) -> Any:  # noqa: ANN401 - any value
    """Return an object's public attributes, or its text without any, as the X-Ray SDK does."""
    attributes = {} if isinstance(value, type) else getattr(value, "__dict__", {})
    public = {key: each for key, each in attributes.items() if not key.startswith("_") and not callable(each)}
    return public or _printed(value)


def unchanged(value: object) -> object:
    """Return `value`: what copies it later knows how to show it."""
    return value


def _printed(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a handler's object may raise anything
        return _UNREADABLE
