"""Keep the process's own secrets out of whatever leaves it: a value is redacted because it is a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

REDACTED = "[redacted]"
_MIN_LENGTH = 8
"""Characters. A shorter value would be found in harmless text."""


class Redactor:
    """Replace the values of `secrets`, given by name, in text and encoded bodies.

    A value is found as it is, and as it stands in JSON, and in JSON within JSON.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        self.names = tuple(secrets)
        """The names of settings and headers that hold secrets."""
        values = {value for each in secrets.values() for value in each if len(value) >= _MIN_LENGTH}
        # The longest first: one secret may be part of another.
        self._texts = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
        self._bytes = tuple(each.encode() for each in self._texts)

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        for value in self._texts:
            text = text.replace(value, REDACTED)
        return text

    def body(self, body: bytes) -> bytes:
        """Return the encoded `body` without secrets."""
        for value in self._bytes:
            body = body.replace(value, REDACTED.encode())
        return body

    def same_length(self, body: bytes) -> bytes:
        """Return `body` without secrets and as long as before, as formats with lengths in them (protobuf) need it."""
        for value in self._bytes:
            body = body.replace(value, b"*" * len(value))
        return body


def _forms(value: str) -> tuple[str, str, str]:
    once = orjson.dumps(value)[1:-1].decode()
    return value, once, orjson.dumps(once)[1:-1].decode()
