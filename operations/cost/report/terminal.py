"""Print tables and paragraphs for people, in lines of 80 characters where they are piped."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final, Literal, TextIO

from rich.table import Table
from rich.text import Text

from operations.deploy.plain_text import printable_lines
from operations.output import console_of

WIDTH: Final = 80
"""Characters of a line where there is no terminal; a narrower one breaks the lines itself."""
READABLE: Final = 110
"""Characters of a line, at most: a longer one is hard to read across."""


class Terminal:
    """Prints to `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._console = console_of(stream, piped_width=WIDTH)
        self._console.width = min(max(self._console.width, WIDTH), READABLE)

    def sentences(self, title: str, sentences: Sequence[str], style: str = "") -> None:
        """Print a list below its title, nothing where it is empty."""
        if sentences:
            self.line()
            self.line(title, style=f"bold {style}".strip())
        for each in sentences:
            self.paragraph(each, bullet="- ")

    def table(self, *titles: str, right: int = 0) -> Table:
        """Return a table whose last `right` columns are numbers, which are never shortened."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for number, title in enumerate(titles):
            is_number = number >= len(titles) - right
            justify: Literal["left", "right"] = "right" if is_number else "left"
            table.add_column(title, justify=justify, no_wrap=is_number, overflow="ellipsis")
        return table

    def print_table(self, table: Table) -> None:
        """Print a table below an empty line."""
        self.line()
        with self._console.capture() as captured:
            self._console.print(table)
        for line in captured.get().splitlines():
            self._console.out(line.rstrip(), highlight=False)

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line as it is."""
        self._console.print(Text(printable_lines(text)[0], style=style), soft_wrap=True)

    def paragraph(self, text: str, *, style: str = "", bullet: str = "") -> None:
        """Print a text in lines of the terminal's width."""
        for line in wrapped(text, self._console.width, bullet):
            self.line(line, style)


def wrapped(text: str, width: int, bullet: str = "") -> list[str]:
    """Return the lines of a paragraph; a bullet hangs."""
    return textwrap.wrap(
        f"{bullet}{text}", width, subsequent_indent=" " * len(bullet), break_long_words=False, break_on_hyphens=False
    )
