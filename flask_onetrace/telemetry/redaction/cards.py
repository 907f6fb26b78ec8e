"""Recognise card numbers ("ISO/IEC 7812") in text, and leave times, ids and other numbers alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask_onetrace.telemetry.redaction.mask import REDACTED

_NUMBER = re.compile(r"[0-9](?<![\w+][0-9])(?=(?:[ -]?[0-9]){12})[0-9]*(?!\w)(?:[ -][0-9]+(?!\w))*")
"""At least 13 digits, in groups; no part of a hexadecimal id.

No possessive repetition of a group: before Python 3.11.5 it can match too much (CPython gh-106052).
"""
_MIN_CARD, _MAX_CARD = 13, 19
_CARD_ISSUERS = re.compile(r"22[0-7]|2[3-6]|27[0-2]|3[0-9]|4|5|6")
"""The first digits of card numbers ("ISO/IEC 7812"): years, and times since the epoch, have others."""
_MIN_GROUP = 4
"""Digits of a card number's first group."""


def mask_cards(text: str) -> str:
    """Return `text` with `REDACTED` in place of each card number."""
    return _NUMBER.sub(_mask_group, text)


def _mask_group(match: re.Match[str]) -> str:
    """Replace each card number in a sequence of groups of digits."""
    groups = re.split("([ -])", match[0])
    masked: list[str] = []
    first = 0
    while first < len(groups):
        end = _card_end(groups, first)
        masked += [REDACTED if end else groups[first], *groups[(end or first + 1) : (end or first + 1) + 1]]
        first = (end or first + 1) + 1
    return "".join(masked)


def _card_end(groups: Sequence[str], first: int) -> int:
    """Return the position behind the card number that begins with group `first`; 0 where none does."""
    if len(groups[first]) < _MIN_GROUP:
        return 0
    number = ""
    for position in range(first, len(groups), 2):
        number += groups[position]
        if len(number) > _MAX_CARD:
            return 0
        if len(number) >= _MIN_CARD and _is_card(number):
            return position + 1
    return 0


def _is_card(number: str) -> bool:
    """Return whether it has an issuer's first digits, and the check digit of a card number (ISO/IEC 7812)."""
    digits = [int(each) for each in number]
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * each, 10)) for each in digits[-2::-2])
    return total % 10 == 0 and len(set(digits)) > 1 and _CARD_ISSUERS.match(number) is not None
