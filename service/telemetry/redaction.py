"""Keep the process's own secrets out of whatever leaves it: a value is redacted because it is a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import orjson

REDACTED = "[redacted]"
_MIN_LENGTH = 8
"""Characters. A shorter value would be found in harmless text."""
_JSON_STRING = rb'"(?:[^"\\]|\\.)*"'


class Redactor:
    """Remove `secrets`, values by name, from text and bodies that are about to be sent.

    Redacted are the values, as they are, as Python prints them, in JSON, and in JSON within JSON; and in JSON whatever
    string has one of the names, as a member or as an OTLP attribute: a local variable may hold a part of its secret.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        values = {value for each in secrets.values() for value in each if len(value) >= _MIN_LENGTH}
        # The longest first: one secret may be part of another.
        forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
        self._needles = (*forms, *secrets)
        self._values = tuple(form.encode() for form in forms)
        self._names = tuple(name.encode() for name in secrets)
        names = b"|".join(map(re.escape, self._names))
        self._members = re.compile(
            rb'("(?:%b)":|"key":"(?:%b)","value":\{"stringValue":)%b' % (names, names, _JSON_STRING), re.DOTALL
        )

    def json(self, body: bytes) -> bytes:
        """Return the JSON `body` without secrets."""
        for value in self._values:
            body = body.replace(value, REDACTED.encode())
        for name in self._names:
            if name in body:
                return self._members.sub(rb'\1"%b"' % REDACTED.encode(), body)
        return body

    def line(self, line: str) -> str:
        """Return the JSON `line` without secrets."""
        for needle in self._needles:
            if needle in line:
                return self.json(line.encode()).decode()
        return line

    def same_length(self, body: bytes) -> bytes:
        """Return `body` without the values, and as long as before, as formats with lengths in them (protobuf) need."""
        for value in self._values:
            body = body.replace(value, b"*" * len(value))
        return body


def _forms(value: str) -> set[str]:
    plain = {value, repr(value)[1:-1]}
    in_json = {_escaped(form) for form in plain}
    return plain | in_json | {_escaped(form) for form in in_json}


def _escaped(text: str) -> str:
    return orjson.dumps(text)[1:-1].decode()
