"""Take an exception's traceback off its frames; what is printed of it is made later, where it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import TracebackException
from types import TracebackType

_FEW = 100
_INNERMOST = 64
"""Frames, of some 200 bytes each. More than a few are printed at once: most are repeated, and the text is shorter."""


class Told:
    """What an exception and those that it was raised from said, and where; without frames or local variables.

    `exception` has at least the innermost 64 frames.
    """

    __slots__ = ("_text", "exception")

    def __init__(self, error: BaseException | None, traceback: TracebackType | None) -> None:
        # Source lines, the costly part, are looked up when they are printed. Not compact: Rollbar shows every context.
        self.exception = TracebackException(type(error), error, traceback, lookup_lines=False, compact=False)  # type: ignore[arg-type]  # None is what logging has where there is no exception
        self._text: str | None = None
        if sum(1 + len(each.stack) for each in _all(self.exception)) > _FEW:
            self.text()
            for each in _all(self.exception):
                del each.stack[:-_INNERMOST]

    def text(self) -> str:
        """Return what Python would have printed."""
        made = self._text
        if made is None:
            made = self._text = "".join(self.exception.format())
        return made


def _all(told: TracebackException) -> Iterator[TracebackException]:
    waiting: list[TracebackException | None] = [told]
    while waiting:
        each = waiting.pop()
        if each is not None:
            yield each
            waiting += (each.__cause__, each.__context__, *(each.exceptions or ()))
