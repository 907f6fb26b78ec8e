"""Count the bytes of a queue's items: an exact sum, kept by any number of threads without a lock."""

from __future__ import annotations

import io
from typing import Final

RELATIVE: Final = io.SEEK_CUR


class ByteCount:
    """A sum: `add(size, RELATIVE)` adds, and returns the sum; `total()` returns it too.

    It is the position of a stream that holds nothing. To seek relative to it is one call of C, which no other thread
    can interrupt; of two threads that do `total += size` in Python, one may overwrite the other's sum.
    """

    __slots__ = ("add", "total")

    def __init__(self) -> None:
        stream = io.BytesIO()
        self.add = stream.seek
        self.total = stream.tell
