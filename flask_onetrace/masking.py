"""Decide how a value that may hold a credential is shown: in the message that rejects it, and in a `repr`.

A key is pasted into the wrong variable, a password is part of a URL. So a text is shown only as far as it consists of
words, numbers and host names: what is random enough to be a key is not.
"""

from __future__ import annotations

import re

MASK = "***"
_MAX_SHOWN = 64
_MAX_TEXT = 1024
"""Characters. Of a longer text nothing is shown."""
_MAX_PART = 21
"""Characters between two separators. The shortest key in use here, Honeycomb's, has 22."""
_MAX_WORD = 15
_FEW_CHARACTERS = 3
"""A longer part with no more different characters than these is no key."""

_USER_INFO = re.compile(r"^(\w[\w+.-]*://)?.*(?:@|%40)", re.DOTALL | re.ASCII)
"""To the last `@`: a password may contain every delimiter of a URL."""
_AFTER_DELIMITER = re.compile(r"([?#=]).+", re.DOTALL)
"""Query, fragment, and the value of `name=value`."""
_CREDENTIAL = re.compile(
    r"(passw(?:or)?d|passphrase|passwd|pwd|secret|token|key|auth\w*|credentials?|bearer|basic)([\W_]+)(?=\w).+",
    re.DOTALL | re.IGNORECASE,
)
"""The rest of a text after the name of a credential, as in `{"password": "..."}` and `Bearer ...`."""
_AFTER_COLON = re.compile(r":(?![\s:/]|\d{1,5}(?!\w)|[\"']?[^\W\d_]{1,15}(?!\w)).+", re.DOTALL)
"""What follows a colon, unless it is a word or a port: `user:pa55word`."""
_PART = re.compile(r"[^\s/.:,]+")
_WORD = re.compile(r"[^\W_]+")
_SHORT_OR_CAMEL_CASE = re.compile(r"\d{1,8}|[^\W_]{1,4}|[A-Za-z][a-z]+(?:[A-Z][a-z]+){1,2}")
"""A number, a short mix such as `ec2`, or words in camel case."""


def masked(text: str) -> str:
    """Return `text` quoted and shortened, without what may be a credential; all of it is masked if in doubt."""
    shown = _USER_INFO.sub(lambda match: f"{match[1] or ''}{MASK}@", text[:_MAX_TEXT], count=1)
    shown = _CREDENTIAL.sub(rf"\1\2{MASK}", shown)
    shown = _AFTER_DELIMITER.sub(rf"\1{MASK}", shown)
    shown = _AFTER_COLON.sub(f":{MASK}", shown)
    if len(text) > _MAX_TEXT or any(_may_be_key(part) for part in _PART.findall(shown)):
        return f"'{MASK}' ({len(text)} characters, masked: it may be a credential)"
    return repr(shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…")


def _may_be_key(part: str) -> bool:
    if len(set(part)) <= _FEW_CHARACTERS:
        return False
    return len(part) > _MAX_PART or not all(map(_is_harmless, _WORD.findall(part)))


def _is_harmless(word: str) -> bool:
    if _SHORT_OR_CAMEL_CASE.fullmatch(word):
        return True
    # In one case, as words are written: random letters come in both.
    return word.isalpha() and len(word) <= _MAX_WORD and word in {word.lower(), word.upper(), word.capitalize()}
