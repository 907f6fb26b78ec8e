"""Copy what handlers hand in: without secrets, without cycles, and no larger than telemetry can keep."""

from __future__ import annotations

import dataclasses
from array import array
from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, Set, ValuesView
from contextlib import contextmanager
from datetime import date, time
from enum import Enum
from itertools import islice
from time import monotonic
from typing import Any, Final, Protocol

from flask_onetrace.telemetry.plain import UNREADABLE, ends_process, exact_integer, is_encodable, text, utf8
from flask_onetrace.telemetry.redaction.limits import (
    CUT,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_NAME,
    MAX_SECONDS,
    MAX_TEXT,
    MAX_TEXTS,
)
from flask_onetrace.telemetry.redaction.mask import REDACTED

_SHOWN = frozenset({float, bool, type(None)})
_ITEM_SIZE = 64
"""Bytes of an item beside its text."""
_BYTES = (bytes, bytearray, memoryview)
_SEQUENCES = (Sequence, Set, deque, array, KeysView, ValuesView, ItemsView)
"""What is iterated over: what only iterates, as a generator, is the handler's to consume."""

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


class NotEncodableError(Exception):
    """A value that OTLP cannot carry: an integer of more than 64 bits, by itself or within a collection."""


class Copier:
    """Copy one value to plain ones: None, booleans, integers of 64 bits, floats, text, bytes, lists, tuples and dicts.

    Each has exactly that type, so that an encoder needs no care. What is beyond the limits is left out: of depth for
    each value, of items, characters and seconds for all that one copier copies. A longer integer becomes text; `strict`
    leaves out the member that has one, as OTLP's protobuf encoder does, and counts it in `dropped`. Never raises
    anything but `NotEncodableError`. `size` is an estimate of the copy's bytes.
    """

    def __init__(
        self,
        rules: Rules,
        describe: Describe,
        max_text: int = MAX_TEXT,
        *,
        max_items: int = MAX_ITEMS,
        max_texts: int = MAX_TEXTS,
        strict: bool = False,
        too_deep: str = CUT,
    ) -> None:
        self._rules = rules
        self._describe = describe
        self._max_text = max_text
        self._max_items = self._items = max_items
        self._max_texts = self._characters = max_texts
        self._deadline = 0.0
        self._strict = strict
        self._too_deep = too_deep
        self.dropped = 0
        """How many members were left out, because they cannot be encoded."""

    @property
    def size(self) -> int:
        """Bytes of what has been copied."""
        return (self._max_items - self._items) * _ITEM_SIZE + self._max_texts - self._characters

    def member(self, name: str, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any value of a handler's
        """Return a copy of the value that has this `name`."""
        if name.lower().endswith("headers") and issubclass(type(value), Mapping | list | tuple):
            return self._headers(value, depth)
        return self._by(self._rules.of_any(name[-MAX_NAME:]), value, depth)

    def _by(self, redaction: TextRedaction, value: Any, depth: int) -> Any:  # noqa: ANN401 - any value of a handler's
        if redaction is hidden:
            return value if value is None or type(value) is bool else REDACTED
        if type(value) is str:
            return self._text(value, redaction)
        return self._text(text(value), redaction) if issubclass(type(value), str) else self.value(value, depth)

    def mapping(self, values: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
        """Return a copy of `values`, empty where it is no mapping. The names that are no text become text."""
        copy: dict[str, Any] = {}
        try:
            self._copy_members(copy, values, depth)
        except NotEncodableError:
            raise
        except BaseException as error:
            if ends_process(error):
                raise
            if issubclass(type(values), Mapping):
                copy[CUT] = UNREADABLE
        return copy

    def _copy_members(self, copy: dict[str, Any], values: Mapping[Any, Any], depth: int) -> None:
        of, limit = self._rules.of, self._max_text
        members = values.items()  # before anything else: of what is no mapping, `in` may take for ever
        is_mapping = type(values) is dict or issubclass(type(values), Mapping)
        is_field = is_mapping and "value" in values and self._is_secret_field(values)
        for name, value in islice(members, self._max_items):
            if self._is_spent():
                copy[CUT] = CUT
                break
            self._items -= 1
            # Most values are short texts and numbers, with short names: they take no further call.
            kind = type(value)
            redaction = of(name) if type(name) is str and len(name) <= MAX_NAME else None
            if redaction is None or is_field or (kind is str and len(value) > self._characters):
                with self._leaving_out(depth):
                    self._add_member(copy, name, value, depth, is_field=is_field)
            elif kind is str:
                copy[name] = shown = redaction(value, limit)
                self._characters -= len(name) + len(shown)
            elif redaction is hidden and value is not None and kind is not bool:
                copy[name] = REDACTED
            elif kind in _SHOWN:
                copy[name] = value
            elif kind is dict and depth < MAX_DEPTH:
                copy[name] = self.mapping(value, depth + 1)
            else:
                with self._leaving_out(depth):
                    copy[name] = self.value(value, depth + 1)

    @contextmanager
    def _leaving_out(self, depth: int) -> Iterator[None]:
        """Leave out a member of the outermost mapping that cannot be encoded."""
        try:
            yield
        except NotEncodableError:
            if depth:
                raise
            self.dropped += 1

    def _is_spent(self) -> bool:
        if not self._deadline:
            self._deadline = monotonic() + MAX_SECONDS
        return self._items <= 0 or self._characters <= 0 or monotonic() > self._deadline

    def _add_member(self, copy: dict[str, Any], name: object, value: object, depth: int, *, is_field: bool) -> None:
        key = name if type(name) is str else text(name)
        self._characters -= min(len(key), MAX_NAME)
        member = REDACTED if is_field and key == "value" else self.member(key, value, depth + 1)
        copy[self._rules.text(key, MAX_NAME)] = member

    def value(self, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any value of a handler's
        """Return a copy of `value`."""
        self._items -= 1
        try:
            return self._value(value, depth)
        except NotEncodableError:
            raise
        except BaseException as error:
            if ends_process(error):
                raise
            return UNREADABLE

    def _value(self, value: Any, depth: int) -> Any:  # noqa: ANN401, PLR0911 - any value of a handler's, one return a kind
        # By the type, which cannot lie: `isinstance` asks the value for its class.
        kind = type(value)
        if kind in _SHOWN:
            return value
        if issubclass(kind, str):
            return self._text(text(value), self._rules.text)
        if issubclass(kind, int):
            return self._integer(exact_integer(value))
        if issubclass(kind, float):
            return float.__float__(value)
        if issubclass(kind, _BYTES):
            return self._bytes(value)
        if issubclass(kind, Enum):
            return self.value(value.value, depth + 1)
        if depth >= MAX_DEPTH:
            return self._too_deep
        if self._is_spent():
            return CUT
        return self._collection(value, kind, depth)

    def _integer(self, value: int) -> int | str:
        if is_encodable(value):
            return value
        if self._strict:
            raise NotEncodableError(f"an integer of {value.bit_length()} bits")
        return self._text(text(value), self._rules.text)

    def _bytes(self, value: bytes | bytearray | memoryview) -> bytes:
        if isinstance(value, memoryview):
            value = value.cast("B") if value.c_contiguous else value.tobytes()
            start = bytes(value[: self._max_text])
        else:
            base: Any = bytes if issubclass(type(value), bytes) else bytearray
            start = bytes(base.__getitem__(value, slice(self._max_text)))
        return self._text(start.decode("latin-1"), self._rules.text).encode("latin-1", "replace")

    def _collection(self, value: Any, kind: type, depth: int) -> Any:  # noqa: ANN401 - any value of a handler's
        if issubclass(kind, Mapping):
            return self.mapping(value, depth)
        if issubclass(kind, tuple) and hasattr(value, "_fields"):
            return self.mapping(dict(zip(value._fields, tuple.__iter__(value), strict=False)), depth)
        if issubclass(kind, _SEQUENCES):
            return self._sequence(value, kind, depth)
        if dataclasses.is_dataclass(kind):
            fields = dataclasses.fields(kind)
            return self.mapping({field.name: getattr(value, field.name) for field in fields}, depth)
        described = self._describe(value)
        if type(described) is str:  # of any length that is kept: the SDK's limit for texts is not for objects
            return self._text(described, self._rules.text, MAX_TEXT)
        return described if described is value else self.value(described, depth + 1)

    def _sequence(self, values: Iterable[Any], kind: type, depth: int) -> Any:  # noqa: ANN401 - a list or a tuple
        items = list(islice(values, max(0, self._items) + 1))
        is_cut = len(items) > self._items
        if len(items) == 2 and type(items[0]) is str:  # noqa: PLR2004 - a pair, as of a header
            copy = [self._text(items[0], self._rules.text), self.member(items[0], items[1], depth + 1)]
        else:
            copy = []
            for each in items:
                if self._items <= 0:
                    is_cut = True
                    break
                copy.append(self.value(each, depth + 1))
        if is_cut:
            copy.append(CUT)
        return tuple(copy) if issubclass(kind, tuple) else copy

    def _headers(self, headers: Any, depth: int) -> Any:  # noqa: ANN401 - a mapping, or pairs
        self._items -= 1
        try:
            pairs = list(islice(headers.items() if isinstance(headers, Mapping) else headers, self._max_items))
            names = [text(name) for name, _ in pairs]
            copy = [
                (self._text(name, self._rules.text)[:MAX_NAME], self._by(self._rules.header(name), value, depth))
                for name, (_, value) in zip(names, pairs, strict=True)
            ]
        except NotEncodableError:
            raise
        except BaseException as error:  # no headers, but what has their name
            if ends_process(error):
                raise
            return self.value(headers, depth)
        return dict(copy) if isinstance(headers, Mapping) else copy

    def _is_secret_field(self, values: Mapping[Any, Any]) -> bool:
        """Return whether it is a field with its name and value as members: `{"name": "password", "value": "x"}`."""
        name = values.get("name", values.get("key"))
        return issubclass(type(name), str) and self._rules.of(text(name)[-MAX_NAME:]) is hidden

    def _text(self, text: str, redact: TextRedaction, limit: int | None = None) -> str:
        redacted = redact(text, max(1, min(limit or self._max_text, self._characters)))
        self._characters -= len(redacted)
        return redacted


def public_attributes(value: object) -> Any:  # noqa: ANN401 - any value
    """Return an object's public attributes, or its text without any, as the X-Ray SDK does."""
    if isinstance(value, date | time):
        return value.isoformat()
    attributes = {} if isinstance(value, type) else getattr(value, "__dict__", {})
    members = islice(attributes.items(), MAX_ITEMS)
    public = {key: each for key, each in members if not key.startswith("_") and not callable(each)}
    return public or text(value)


def unchanged(value: object) -> object:
    """Return `value`: what copies it later knows how to show it."""
    return value


class _AsItIs:
    """Rules that redact nothing, for what has been redacted."""

    @staticmethod
    def text(text: str, limit: int) -> str:
        """Return the beginning of `text`."""
        return utf8(text[:limit])

    @property
    def of(self) -> Callable[[str], TextRedaction | None]:
        """Return what cuts the text that has any name."""
        return lambda name: self.text if name.isascii() else None

    def of_any(self, name: str) -> TextRedaction:  # noqa: ARG002 - the protocol's
        """Return what cuts the text that has any name."""
        return self.text

    header = of_any


AS_IT_IS: Final[Rules] = _AsItIs()
