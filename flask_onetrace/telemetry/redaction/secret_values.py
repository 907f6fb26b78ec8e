"""Find the process's own secrets in text: a value is redacted because it is a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

import orjson

_MIN_LENGTH = 8
"""Characters. A shorter value would be found in harmless text."""
_PREFIX_LENGTH = 16
"""Characters of a secret that are recognised where the rest is cut off: back ends shorten long texts."""


class SecretValues:
    """The values and their beginnings: as they are, as Python prints them, percent-encoded, and in JSON within JSON."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms: dict[str, list[str]] = {}
        """The forms of the values by their beginning."""
        for form in {form for value in values if len(value) >= _MIN_LENGTH for form in _forms(value)}:
            self._forms.setdefault(form[:_PREFIX_LENGTH], []).append(form)
        self._texts = tuple({*self._forms, *(_escaped(prefix) for prefix in self._forms)})
        self._needles = tuple(text.encode() for text in self._texts)

    def may_be_in(self, body: bytes) -> bool:
        """Return whether the JSON `body` may have a secret: it is searched as bytes, which is fast."""
        for needle in self._needles:  # noqa: SIM110 - a generator would cost more than the search
            if needle in body:
                return True
        return False

    def may_be_in_text(self, text: str) -> bool:
        """Return whether the JSON `text` may have a secret."""
        for each in self._texts:  # noqa: SIM110 - as above
            if each in text:
                return True
        return False

    def mask(self, text: str, mask: Callable[[int], str]) -> str:
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
