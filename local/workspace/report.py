"""Print progress: one line per step, with the seconds it took."""

from __future__ import annotations

import select
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console

CLEAR: Final = "\r\x1b[K"
INDENT: Final = "  "


class Step:
    """A running step; `note` is printed at the end of its line."""

    def __init__(self, out: TextIO, title: str) -> None:
        self.note = ""
        self._out = out
        self._title = title
        self._detail = ""

    def detail(self, text: str) -> None:
        """Show progress within the step on a terminal; a file gets only the finished line."""
        if self._out.isatty() and text != self._detail:
            self._detail = text
            width = shutil.get_terminal_size().columns - 1
            self._out.write(CLEAR + f"{INDENT}{self._title} … {text}"[:width])
            self._out.flush()


class Report:
    """Writes to one stream."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def line(self, text: str = "") -> None:
        """Write one line."""
        self._out.write(f"{text}\n")
        self._out.flush()

    def console(self) -> Console:
        """Return a console on the stream: in colour where that is a terminal, unless `NO_COLOR` is set."""
        from rich.console import Console  # noqa: PLC0415 - make up, which runs at each edit, prints by itself

        return Console(file=self._out, markup=False, highlight=False, emoji=False)

    def is_read(self) -> bool:
        """Return whether somebody still reads the stream: a pipe's reader may have ended."""
        poll = select.poll()
        try:
            poll.register(self._out, 0)
        except OSError:  # it is no file
            return True
        return not poll.poll(0)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Print the step's title, then complete the line with its note, or `failed`, and the seconds it took."""
        started, terminal = time.monotonic(), self._out.isatty()
        step = Step(self._out, title)
        self._out.write(f"{INDENT}{title} …")
        self._out.flush()
        ending = "failed"
        try:
            yield step
            ending = f"{step.note}" if step.note else "done"
        finally:
            start = f"{CLEAR}{INDENT}{title} …" if terminal else ""
            self.line(f"{start} {ending} ({time.monotonic() - started:.1f} s)")
