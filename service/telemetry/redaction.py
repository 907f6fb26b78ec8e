"""Redact the process's own secrets, by value, from everything that it sends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import orjson

REDACTED = b"[redacted]"
_MIN_LENGTH = 8
"""Characters. A shorter value would be found in harmless text."""
_JSON_STRING = rb'"(?:[^"\\]|\\.)*"'


class Redactor:
    """Remove `secrets`, values by name, from text and bodies that are about to be sent.

    Values are redacted verbatim, as Python prints them, in JSON, and in JSON within JSON. In JSON, every string under
    one of the names is redacted too, as a member or an OTLP attribute: a local variable may hold a part of its secret.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        values = {value for each in secrets.values() for value in each if len(value) >= _MIN_LENGTH}
        # The longest first: one secret may be part of another.
        forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
        self._texts = (*forms, *secrets)
        self._needles = tuple(text.encode() for text in self._texts)
        self._values = self._needles[: len(forms)]
        names = b"|".join(re.escape(name.encode()) for name in secrets)
        self._members = re.compile(
            rb'("(?:%b)":|"key":"(?:%b)","value":\{"stringValue":)%b' % (names, names, _JSON_STRING), re.DOTALL
        )

    def json(self, body: bytes) -> bytes:
        """Return the JSON `body` without secrets."""
        for needle in self._needles:
            if needle in body:
                return self._redact(body)
        return body

    def json_bodies(self, bodies: Sequence[bytes]) -> Sequence[bytes]:
        """Return the JSON `bodies` without secrets. One search in a long text is faster than many in short ones."""
        joined = b"\n".join(bodies)
        return bodies if self.json(joined) is joined else [self.json(body) for body in bodies]

    def lines(self, lines: Sequence[str]) -> Sequence[str]:
        """Return the JSON `lines` without secrets."""
        joined = "\n".join(lines)
        for text in self._texts:
            if text in joined:
                return [self._redact(line.encode()).decode() for line in lines]
        return lines

    def same_length(self, body: bytes) -> bytes:
        """Return `body` without the values, and as long as before, as formats with lengths in them (protobuf) need."""
        for value in self._values:
            body = body.replace(value, b"*" * len(value))
        return body

    def _redact(self, body: bytes) -> bytes:
        for value in self._values:
            body = body.replace(value, REDACTED)
        return self._members.sub(rb'\1"%b"' % REDACTED, body)


def _forms(value: str) -> set[str]:
    plain = {value, repr(value)[1:-1]}
    in_json = {_escaped(form) for form in plain}
    return plain | in_json | {_escaped(form) for form in in_json}


def _escaped(text: str) -> str:
    return orjson.dumps(text)[1:-1].decode()
