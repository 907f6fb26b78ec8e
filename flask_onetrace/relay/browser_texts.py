"""Redact and cut what a browser's spans say."""

from __future__ import annotations

from typing import Final

from flask_onetrace.relay.browser_attributes import MAX_TEXT
from flask_onetrace.relay.otlp_request import Value
from flask_onetrace.telemetry.redaction import REDACTED, Redactor
from flask_onetrace.telemetry.redaction.copies import TextRedaction, hidden

_NO_CREDENTIALS: Final = frozenset({"session.id", "session.previous_id"})
"""Random numbers of a visit ("Session", OpenTelemetry's semantic conventions): no server knows them."""
_MARGIN = 256
"""Characters after the longest text that redaction sees."""


class Texts:
    """The texts of one request. The spans of a page share most of theirs: each is redacted once."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._redacted: dict[tuple[TextRedaction, str], str] = {}

    def text(self, text: str, limit: int) -> str:
        """Return a name or a message without secrets, and cut."""
        return self._by(self._redact.text, text)[:limit]

    def value(self, key: str, value: Value) -> Value:
        """Return the value of the attribute `key` as in the service's own spans: without secrets, by name and shape."""
        redaction = self._redact.text if key in _NO_CREDENTIALS else self._redact.of(key) or hidden
        if isinstance(value, str):
            return self._by(redaction, value)
        if redaction is hidden and not isinstance(value, bool):
            return REDACTED
        if isinstance(value, list):
            return [self._by(redaction, each) if isinstance(each, str) else each for each in value]
        return value

    def _by(self, redaction: TextRedaction, text: str) -> str:
        redacted = self._redacted.get((redaction, text))
        if redacted is None:
            # Cut first, as redaction takes its time, and where a secret that the second cut splits is still recognised.
            redacted = redaction(text[: MAX_TEXT + _MARGIN], MAX_TEXT) if text else ""
            self._redacted[redaction, text] = redacted
        return redacted
