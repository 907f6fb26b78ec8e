"""Limit the bytes of a queue's items: an exact sum, kept by any number of threads without a lock."""

from __future__ import annotations

import io
from typing import Final

_RELATIVE: Final = io.SEEK_CUR


class ByteBudget:
    """Reserve bytes up to `maximum`, and release them.

    The sum is the position of a stream that holds nothing. To seek relative to it is one call of C, which no other
    thread can interrupt; of two threads that do `total += size` in Python, one may overwrite the other's sum.
    """

    __slots__ = ("_seek", "maximum", "tell")

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        stream = io.BytesIO()
        self._seek = stream.seek
        self.tell = stream.tell
        """Return the bytes that are reserved."""

    def reserve(self, size: int) -> int:
        """Reserve `size` bytes; return how many are reserved then, -1 where they would be too many."""
        if size > self.maximum:  # first, so that it does not take the place of others for a moment
            return -1
        total = self._seek(size, _RELATIVE)
        if total > self.maximum:
            self._seek(-size, _RELATIVE)
            return -1
        return total

    def release(self, size: int) -> None:
        """Give back `size` bytes that were reserved."""
        self._seek(-size, _RELATIVE)
