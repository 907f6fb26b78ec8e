"""Lay out what a product answers: a table for the terminal, and one for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SHOWN: Final = 8
"""How many rows of an answer are shown."""
WIDEST: Final = 44
"""How many characters of a cell."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a product says to one question: rows of values by column."""

    product: str
    question: str
    rows: Sequence[Mapping[str, Any]]

    def as_text(self) -> str:
        """Return an aligned table below its question."""
        head = f"\n{self.product}: {self.question}"
        if not self.rows:
            return f"{head}\n  nothing"
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join([head, *(f"  {line.rstrip()}" for line in lines), *self._rest()])

    def as_markdown(self) -> str:
        """Return the same as Markdown."""
        head = f"\n**{self.product}: {_escaped(self.question)}**\n\n"
        if not self.rows:
            return f"{head}Nothing."
        columns, *rows = self._table()
        lines = [_row(columns), _row(["---"] * len(columns)), *map(_row, rows)]
        return head + "\n".join([*lines, *(f"\n{each.strip()}" for each in self._rest())])

    def _table(self) -> list[list[str]]:
        """Return the columns' names, in the order in which rows first have them, and the rows that are shown."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        return [columns, *([_cell(row.get(name)) for name in columns] for row in self.rows[:SHOWN])]

    def _rest(self) -> list[str]:
        more = len(self.rows) - SHOWN
        return [f"  and {more} more"] if more > 0 else []


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    # Of a traceback the last line, which says what was raised.
    text = " ".join(str(value).strip().rpartition("\n")[2].split())
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
