"""Arrange the texts of a chart, without its reader's font."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

SIZE: Final = 15.0
"""Pixels."""
ROW: Final = 20
"""Pixels from one line of text to the next."""
_CHARACTER: Final = 0.56
"""Mean width of a character, in ems: the reader's font is not known here."""


def wrap(text: str, characters: int) -> str:
    """Return the text in lines of at most as many characters."""
    return textwrap.fill(text, characters, break_long_words=False)


def width(text: str) -> float:
    """Return about how wide the longest line is, with a space around it."""
    return 8 + max(map(len, text.splitlines()), default=0) * _CHARACTER * SIZE


@dataclass(frozen=True, slots=True)
class Note:
    """A text above the plot, of a mark or a band. `middle` is in pixels from the plot's left, `row` counts upwards."""

    text: str
    middle: float
    row: int


def notes(anchors: Iterable[tuple[float, str]], low: float, high: float) -> list[Note]:
    """Return the texts in the lowest rows in which none covers another one.

    `anchors` has the middle that each would have, in pixels; it is moved to lie between `low` and `high`.
    """
    result: list[Note] = []
    for anchor, text in sorted(anchors):
        half = width(text) / 2
        middle = min(max(anchor, low + half), high - half)
        row = 0
        while any(each.row == row and abs(each.middle - middle) < half + width(each.text) / 2 for each in result):
            row += 1
        result.append(Note(text, middle, row))
    return result


def spread(middles: Sequence[float], heights: Sequence[float], top: float) -> list[float]:
    """Return the middles, moved so that no two intervals of `heights` overlap, between 0 and `top`.

    Half of the first and of the last interval may lie outside.
    """
    result = list(middles)
    order = sorted(range(len(middles)), key=lambda each: -middles[each])
    ceiling = top + heights[order[0]] / 2
    for each in order:
        result[each] = min(result[each], ceiling - heights[each] / 2)
        ceiling = result[each] - heights[each] / 2
    floor = -heights[order[-1]] / 2
    for each in reversed(order):
        result[each] = max(result[each], floor + heights[each] / 2)
        floor = result[each] + heights[each] / 2
    return result
