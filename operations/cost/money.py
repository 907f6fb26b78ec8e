"""Write amounts and quantities."""

from __future__ import annotations

import math
from typing import Final

_PRICE_DIGITS: Final = 4
"""Significant digits of the price of a unit, as of $0.004445."""
_CENT: Final = 0.005


def dollars(usd: float) -> str:
    """Return `$1,234.50`, or `-$1.00`; what is less than half a cent, but something, is `< $0.01`."""
    if 0 < usd < _CENT:
        return "< $0.01"
    text = f"${abs(usd):,.2f}"
    return f"-{text}" if usd <= -_CENT else text


def unit_price(usd: float) -> str:
    """Return `$0.04048` or `$5.00`: two decimals at least, and as many as the price has."""
    if usd <= 0:
        return "$0.00"
    digits = max(2, _PRICE_DIGITS - 1 - math.floor(math.log10(usd)))
    whole, _, decimals = f"{usd:,.{digits}f}".partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"


def quantity(number: float) -> str:
    """Return `1,460`, `73.5` or `0.0039`: four significant digits, and every digit before the point."""
    if number == 0:
        return "0"
    digits = max(0, 3 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """Return `47 %`; what rounds to none of it, but is some, is `< 1 %`."""
    return "< 1 %" if 0 < share < _CENT else f"{share:.0%}".replace("%", " %")


def counted(number: float, noun: str) -> str:
    """Return `1 task`, `2.5 tasks`."""
    return f"{quantity(number)} {noun}" if number == 1 else f"{quantity(number)} {noun}s"
