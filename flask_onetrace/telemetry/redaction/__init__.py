"""Keep secrets out of whatever leaves the process: by their names, their shapes, and the values of the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from flask_onetrace.telemetry import plain
from flask_onetrace.telemetry.control_characters import escape_controls
from flask_onetrace.telemetry.plain import INTEGERS, utf8
from flask_onetrace.telemetry.redaction.copies import Copier, Describe, TextRedaction, hidden, public_attributes
from flask_onetrace.telemetry.redaction.driver_errors import may_quote_values, without_quoted_values
from flask_onetrace.telemetry.redaction.headers import HARMLESS_HEADERS, URL_HEADERS, header_name
from flask_onetrace.telemetry.redaction.limits import CUT, MAX_QUERY, MAX_TEXT, cut
from flask_onetrace.telemetry.redaction.mask import REDACTED
from flask_onetrace.telemetry.redaction.names import SecretNames, word_set
from flask_onetrace.telemetry.redaction.queries import QueryRedactor
from flask_onetrace.telemetry.redaction.secret_values import SecretValues
from flask_onetrace.telemetry.redaction.shapes import SecretShapes
from flask_onetrace.telemetry.redaction.sql import UNKNOWN, Dialect, sanitized

__all__ = ["NO_SECRETS", "REDACTED", "SHORT", "Redactor"]

SHORT = 256
"""Characters of a text whose redaction is cached: a full cache takes half a megabyte or so. No limit is lower."""
_CACHE_SIZE = 1024
_LOOK_AHEAD = 256
"""Characters behind a limit that are searched too, so that a secret is not cut in two and missed."""


_QUERIES = frozenset({"query_string", "url.query", "http.query"})
_URLS = word_set(
    """
    href http.target http.url link raw_uri referer referrer request_uri uri url url.full
    """
)
_STATEMENTS = frozenset({"db.statement", "db.query.text", "sanitized_query"})
_HEADER_PREFIXES = ("http.request.header.", "http.response.header.")


_MAX_SMALL, _MAX_SMALL_NAME, _MAX_SMALL_DEPTH = 16, 64, 2
"""Names of a small dict, characters of each, and dicts around one."""
_NUMBERS = frozenset({float, bool, type(None)})
_CENTURY = "20"
_MIN_TIME = len("2026-01-01T00:00")


class Redactor:
    """Redact what telemetry captures. `secrets` are the settings' values by name; `names` are further secret names.

    Text is redacted as it is captured. The values are also searched in what is about to be sent, for sinks and span
    processors that add something themselves: that is fast, and changes what it finds alone.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]], names: Iterable[str] = ()) -> None:
        self._names = SecretNames({*secrets, *names})
        self._values = SecretValues(value for values in secrets.values() for value in values)
        self._shapes = SecretShapes(self._names)
        self._queries = QueryRedactor(self._names, self._mask)
        self.short_text = _cached(self._mask)
        """`text` for up to `SHORT` characters: to call it directly saves a call."""
        self._plain_names: set[tuple[Any, ...]] = set()
        """The names of dicts, in their order, none of which is special."""
        self._short_query = _cached(self._queries.query)
        self._short_url = _cached(self._queries.url)
        self.of: Callable[[str], TextRedaction | None] = lru_cache(4 * _CACHE_SIZE)(self._redaction_of)
        """Return what redacts the text that has a name of up to `MAX_NAME` characters.

        None where the name itself has to be redacted, or is that of headers, which have names of their own.
        """
        self.hides: Callable[[str], bool] = self._names.hides
        """Whether what has this name is secret."""
        self.hides_in_query = self._queries.hides
        self.hides_together = self._names.hides_together

    def text(self, text: object, limit: int = MAX_TEXT) -> str:
        """Return the text of any value, without secrets; at most `limit` characters, the last an ellipsis if cut."""
        if type(text) is str and len(text) <= SHORT:
            return self.short_text(text)
        return _long(text, limit, self._mask)

    def query(self, query: str, limit: int = MAX_QUERY) -> str:
        """Return the query of a URL, without its question mark, as it came but for the secrets."""
        if type(query) is str and len(query) <= SHORT:
            return self._short_query(query)
        return _long(query, limit, self._queries.query)

    def url(self, url: str, limit: int = MAX_TEXT) -> str:
        """Return `url` without secrets in its user information, path, query and fragment."""
        if type(url) is str and len(url) <= SHORT:
            return self._short_url(url)
        return _long(url, limit, self._queries.url)

    def statement(self, statement: str, limit: int = MAX_TEXT, dialect: Dialect = UNKNOWN) -> str:
        """Return an SQL `statement` without its literals, and what is left of it without secrets."""
        return self.text(sanitized(utf8(statement), dialect), limit)

    def _redaction_of(self, name: str) -> TextRedaction | None:
        lower = name.lower()
        if name.startswith("HTTP_") or lower.startswith(_HEADER_PREFIXES):
            return self.header(name)
        if utf8(self._mask(name)) != name:
            return None
        if self._names.hides(name):
            return hidden
        if lower.endswith("headers"):
            return None
        for names, redaction in ((_STATEMENTS, self.statement), (_QUERIES, self.query), (_URLS, self.url)):
            if lower in names:
                return redaction
        return self.text

    def of_any(self, name: str) -> TextRedaction:
        """Return what redacts the text that has a name of up to `MAX_NAME` characters, whatever it is."""
        return self.of(name) or (hidden if self.hides(name) else self.text)

    def header(self, name: str) -> TextRedaction:
        """Return what redacts the value of the HTTP header `name`."""
        header = header_name(name)
        if header not in HARMLESS_HEADERS:
            return hidden
        return self.url if header in URL_HEADERS else self.text

    def value(self, value: Any, describe: Describe = public_attributes) -> Any:  # noqa: ANN401 - any value of a handler's
        """Return a copy of `value` without secrets, cycles and excess; `describe` shows objects."""
        return self.copier(describe).value(value)

    def copier(
        self, describe: Describe = public_attributes, max_text: int = MAX_TEXT, *, strict: bool = False
    ) -> Copier:
        """Return what copies one value, and tells how large the copy is."""
        return Copier(self, describe, max_text, strict=strict)

    def small_copy(self, values: dict[Any, Any], depth: int = 0) -> dict[Any, Any] | None:
        """Return a copy of a small dict, of short texts, numbers and dicts of such, quickly; None for any other."""
        names = tuple(values)
        try:
            if names not in self._plain_names and not self._learn(names):
                return None
        except Exception:  # noqa: BLE001 - a name may be of an application's class, whose `__hash__` raises
            return None
        copy = values.copy()
        for name, value in copy.items():
            kind = type(value)
            if kind is str and len(value) <= SHORT:
                if value[:2] != _CENTURY or not _is_time(value):
                    copy[name] = self.short_text(value)
            elif kind is dict and depth < _MAX_SMALL_DEPTH:
                nested = copy[name] = self.small_copy(value, depth + 1)
                if nested is None:
                    return None
            elif kind is int:
                if value not in INTEGERS:
                    return None
            elif kind not in _NUMBERS:
                return None
        return copy

    def _learn(self, names: tuple[Any, ...]) -> bool:
        """Remember `names` if values under each of them are redacted as text, and they are few and short."""
        if len(names) > _MAX_SMALL or "value" in names:  # the member of a field, with its name beside it
            return False
        for name in names:
            if type(name) is not str or len(name) > _MAX_SMALL_NAME or self.of(name) != self.text:
                return False
        if len(self._plain_names) >= _CACHE_SIZE:
            self._plain_names.clear()
        self._plain_names.add(names)
        return True

    def _mask(self, text: str) -> str:
        if may_quote_values(text):
            text = without_quoted_values(text)
        # The values first: a shape may end within one.
        return self._shapes.mask(self._values.mask(text, lambda _: REDACTED))

    def json(self, body: bytes) -> bytes:
        """Return the JSON `body` without the values of secrets."""
        return orjson.dumps(self._without_values(orjson.loads(body))) if self._values.may_be_in(body) else body

    def json_bodies(self, bodies: Sequence[bytes]) -> Sequence[bytes]:
        """Return the JSON `bodies` without values. One search in a long text is faster than many in short ones."""
        return [self.json(body) for body in bodies] if self._values.may_be_in(b"\n".join(bodies)) else bodies

    def lines(self, lines: Sequence[str]) -> Sequence[str]:
        """Return the JSON `lines` of a log without the values of secrets."""
        if not self._values.may_be_in_text("\n".join(lines)):
            return lines
        return [escape_controls(self.json(line.encode()).decode()) for line in lines]

    def same_length(self, body: bytes) -> bytes:
        """Return `body` without the values, and as long as before, as formats with lengths in them (protobuf) need."""
        # Secrets are ASCII (`parsing.secret`), and Latin-1 has a character for each byte.
        return self._values.mask(body.decode("latin-1"), lambda length: "*" * length).encode("latin-1")

    def _without_values(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            return self._values.mask(value, lambda _: REDACTED)
        if isinstance(value, list):
            return [self._without_values(each) for each in value]
        if isinstance(value, dict):
            return {self._without_values(key): self._without_values(each) for key, each in value.items()}
        return value


def _is_time(text: str) -> bool:
    """Return whether `text` is a time in ISO 8601, the most frequent text that does not repeat: it has no secret."""
    try:
        return len(text) >= _MIN_TIME and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _cached(redact: Callable[[str], str]) -> Callable[[str], str]:
    return lru_cache(_CACHE_SIZE)(lambda text: cut(utf8(redact(text)), SHORT))


def _long(value: object, limit: int, redact: Callable[[str], str]) -> str:
    """Redact the part of a text that is shown; of any other value, its text's."""
    text = value if type(value) is str else plain.text(value)
    start = text[: limit + _LOOK_AHEAD]
    redacted = utf8(redact(start))
    if len(start) == len(text):
        return cut(redacted, limit)
    # Not the end, in which a secret may be cut in two, even where what is before it has become shorter.
    return redacted[: max(0, min(limit - 1, len(redacted) - _LOOK_AHEAD))] + CUT


NO_SECRETS = Redactor({})
"""Knows names and shapes alone."""
