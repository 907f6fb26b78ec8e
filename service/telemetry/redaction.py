"""Keep the process's own secrets out of whatever leaves it: a value is redacted because it is a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

REDACTED = "-redacted-"
"""Valid in the name of an X-Ray segment, too, which may hold no brackets."""
_MIN_LENGTH = 8
"""Characters. A shorter value would be found in harmless text."""
_PREFIX_LENGTH = 16
"""Characters of a secret that are recognised where the rest is cut off: back ends shorten long texts."""


class Redactor:
    """Remove `secrets`, values by name, from text and bodies that are about to be sent.

    Redacted are the values, and their beginnings: as they are, as Python prints them, percent-encoded, and in JSON
    within JSON; and in JSON whatever has one of the names, as a member or as an OTLP attribute.

    A body is searched as bytes, which is fast; only one in which something is found is decoded, and encoded again.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        values = {value for each in secrets.values() for value in each if len(value) >= _MIN_LENGTH}
        self._forms: dict[str, list[str]] = {}
        """The forms of the values by their beginning."""
        for form in {form for value in values for form in _forms(value)}:
            self._forms.setdefault(form[:_PREFIX_LENGTH], []).append(form)
        self._names = frozenset(secrets)
        self._texts = tuple({*self._forms, *(_escaped(prefix) for prefix in self._forms), *secrets})
        self._needles = tuple(text.encode() for text in self._texts)

    def json(self, body: bytes) -> bytes:
        """Return the JSON `body` without secrets."""
        for needle in self._needles:
            if needle in body:
                return orjson.dumps(self.value(orjson.loads(body)))
        return body

    def json_bodies(self, bodies: Sequence[bytes]) -> Sequence[bytes]:
        """Return the JSON `bodies` without secrets. One search in a long text is faster than many in short ones."""
        joined = b"\n".join(bodies)
        for needle in self._needles:
            if needle in joined:
                return [self.json(body) for body in bodies]
        return bodies

    def lines(self, lines: Sequence[str]) -> Sequence[str]:
        """Return the JSON `lines` without secrets."""
        joined = "\n".join(lines)
        for text in self._texts:
            if text in joined:
                return [self.json(line.encode()).decode() for line in lines]
        return lines

    def value(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a decoded JSON value without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if not isinstance(value, dict):
            return value
        key = value.get("key")
        if isinstance(key, str) and key in self._names and isinstance(value.get("value"), dict):  # an OTLP attribute
            return {**value, "value": {"stringValue": REDACTED}}
        return {
            self.text(key): REDACTED if key in self._names and each is not None else self.value(each)
            for key, each in value.items()
        }

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        return self._mask(text, lambda _: REDACTED)

    def same_length(self, body: bytes) -> bytes:
        """Return `body` without the values, and as long as before, as formats with lengths in them (protobuf) need."""
        # Secrets are ASCII (`parsing.secret`), and Latin-1 has a character for each byte.
        return self._mask(body.decode("latin-1"), lambda length: "*" * length).encode("latin-1")

    def _mask(self, text: str, mask: Callable[[int], str]) -> str:
        """Replace each secret, and each beginning of one that is long enough, by `mask` of its length."""
        for prefix, forms in self._forms.items():
            start = text.find(prefix)
            while start >= 0:
                length = max(_common_length(text, start, form) for form in forms)
                replacement = mask(length)
                text = text[:start] + replacement + text[start + length :]
                start = text.find(prefix, start + len(replacement))
        return text


def _common_length(text: str, start: int, form: str) -> int:
    length = 0
    while length < len(form) and text.startswith(form[length], start + length):
        length += 1
    return length


def _forms(value: str) -> set[str]:
    printed = {value, repr(value)[1:-1], quote(value, safe=""), quote_plus(value)}
    return printed | {_escaped(form) for form in printed}


def _escaped(text: str) -> str:
    return orjson.dumps(text)[1:-1].decode()
