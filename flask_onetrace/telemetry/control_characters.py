"""Escape the characters that would drive a terminal, or reorder the text of a log line, when somebody reads it."""

from __future__ import annotations

import re

DELETE = "\x7f"
"""The one ASCII character among them."""
_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Delete, the C1 controls, line and paragraph separators, bidirectional controls ("UAX #9"), the byte order mark."""


def escape_controls(json: str) -> str:
    """Return the JSON text with such characters as their escapes; JSON itself escapes the C0 controls."""
    return _CONTROLS.sub(_escaped, json)


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"
