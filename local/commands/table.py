"""Format the result of a query as a table, for the terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MAX_ROWS: Final = 8
MAX_CELL_WIDTH: Final = 44
"""In characters."""


@dataclass(frozen=True, slots=True)
class ResultTable:
    """The rows that a product returned for a query, by column."""

    product: str
    query: str
    rows: Sequence[Mapping[str, Any]]

    def as_text(self) -> str:
        """Return the query's name above an aligned table."""
        title = f"\n{self.product}: {self.query}"
        if not self.rows:
            return f"{title}\n  no rows"
        table = self._cells()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join([title, *(f"  {line.rstrip()}" for line in lines), *self._footer()])

    def as_markdown(self) -> str:
        """Return the query's name in bold above a Markdown table."""
        title = f"\n**{self.product}: {_escaped(self.query)}**\n\n"
        if not self.rows:
            return f"{title}No rows."
        columns, *rows = self._cells()
        lines = [_markdown_row(columns), _markdown_row(["---"] * len(columns)), *map(_markdown_row, rows)]
        return title + "\n".join([*lines, *(f"\n{line.strip()}" for line in self._footer())])

    def _cells(self) -> list[list[str]]:
        """Return the column names, in order of first use, then the first `MAX_ROWS` rows."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        return [columns, *([_cell(row.get(name)) for name in columns] for row in self.rows[:MAX_ROWS])]

    def _footer(self) -> list[str]:
        more = len(self.rows) - MAX_ROWS
        return [f"  and {more} more"] if more > 0 else []


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    # The last line of a traceback names the exception.
    text = " ".join(str(value).strip().rpartition("\n")[2].split())
    return text if len(text) <= MAX_CELL_WIDTH else f"{text[: MAX_CELL_WIDTH - 1]}…"
