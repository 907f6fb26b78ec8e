"""Redact the parameters of a URL, and leave all other bytes as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

from flask_onetrace.telemetry.redaction.mask import REDACTED
from flask_onetrace.telemetry.redaction.names import SecretNames

_URL = re.compile(r"([^?#]*+)(?:(\?)([^#]*+))?(?:(#)(.*))?", re.DOTALL)
_MAX_DECODINGS = 4
_SEMICOLON = re.compile(r"(;)(?=[^=;]+=)")
"""A separator that some servers accept; within a value, no name follows it."""


class QueryRedactor:
    """Replace the values of parameters with the names of secrets, and values that `mask` would change."""

    def __init__(self, names: SecretNames, mask: Callable[[str], str]) -> None:
        self._names = names
        self._mask = mask

    def query(self, query: str) -> str:
        """Return `query`, without its question mark, as it came but for the secrets."""
        masked = [part for pair in query.split("&") for part in ("&", *self._named_of(_SEMICOLON.split(pair)))][1:]
        if self._has_secret("".join(masked)):
            masked = [self._shaped(each) for each in masked]
        return "".join(masked)

    def url(self, url: str) -> str:
        """Return `url` without secrets in its user information, path, query and fragment."""
        match = _URL.fullmatch(url)
        if match is None:
            return REDACTED
        base, question_mark, query, hash_sign, fragment = match.groups("")
        return f"{self._mask(base)}{question_mark}{self.query(query)}{hash_sign}{self.query(fragment)}"

    def _named_of(self, parameters: list[str]) -> list[str]:
        """Mask the first secret, and leave out what follows: most servers take a semicolon as a part of the value."""
        for index, each in enumerate(parameters):
            if (masked := self._named(each)) != each:
                return [*parameters[:index], masked]
        return parameters

    def _named(self, parameter: str) -> str:
        name, equals, value = parameter.partition("=")
        return f"{name}={REDACTED}" if equals and value and self.hides(name) else parameter

    def hides(self, name: str) -> bool:
        """Return whether the parameter `name`, decoded or not, has a secret value."""
        return any(map(self._names.hides_in_query, _decodings(name)))

    def _has_secret(self, text: str) -> bool:
        return any(self._mask(decoded) != decoded for decoded in _decodings(text))

    def _shaped(self, parameter: str) -> str:
        name, equals, value = parameter.partition("=")
        masked = [self._masked(each) for each in (name, value)]
        return equals.join(masked) if equals else masked[0]

    def _masked(self, part: str) -> str:
        return REDACTED if self._has_secret(part) else part


def _decodings(text: str) -> Iterator[str]:
    """Yield `text` percent-decoded once, twice and so on: a parameter may hold another URL."""
    for _ in range(_MAX_DECODINGS):
        decoded = unquote_plus(text)
        yield decoded
        if decoded == text:
            return
        text = decoded
