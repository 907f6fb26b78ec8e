"""Take an exception's traceback off its frames; what is printed of it is made later, where it is needed."""

from __future__ import annotations

from traceback import TracebackException
from types import TracebackType
from typing import Any

_FEW = 100
"""Frames, of some 200 bytes, that are kept to be printed later. The text of more is shorter: most are repeated."""


class Told:
    """What an exception and those that it was raised from said, and where; without frames or local variables."""

    __slots__ = ("_text", "exception")

    def __init__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Source lines, the costly part, are looked up when they are printed. Not compact: Rollbar shows every context.
        self.exception = TracebackException(kind, error, traceback, lookup_lines=False, compact=False)  # type: ignore[arg-type]  # typeshed knows no `(None, None, None)`, which logging has
        self._text = None if _are_few(self.exception) else self._printed()

    def text(self) -> str:
        """Return what Python would have printed."""
        made = self._text
        if made is None:
            made = self._text = self._printed()
        return made

    def _printed(self) -> str:
        return "".join(self.exception.format())


def _are_few(told: TracebackException) -> bool:
    left = _FEW
    waiting: list[Any] = [told]
    while waiting and left >= 0:
        each = waiting.pop()
        if each is not None:
            left -= 1 + len(each.stack)
            waiting += (each.__cause__, each.__context__, *(each.exceptions or ()))
    return left >= 0
