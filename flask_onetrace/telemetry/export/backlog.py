"""Hold the items that wait for an export thread, with their sizes."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from flask_onetrace.telemetry.export.byte_count import RELATIVE, ByteCount

T = TypeVar("T")


class Backlog(Generic[T]):
    """Items in order, and the bytes that they and the batch in flight take.

    Any thread may append: first the size, then the item. One thread takes.
    """

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self.sizes: deque[int] = deque()
        """The items' sizes: weighed later, an item may have another."""
        self.in_flight: list[T] = []
        self.bytes = ByteCount()

    def take(self, max_items: int, max_bytes: int) -> int:
        """Put the next batch in flight, at least one item; return its bytes, which count until `release`.

        The batch is in flight before it is off the queue, so that `len` is never 0 meanwhile.
        """
        items, sizes = self.items, self.sizes
        self.in_flight = [items[0]]
        count = min(len(items), max_items)
        if self.bytes.total() > max_bytes:
            count, total = 1, sizes[0]
            while count < min(len(items), max_items) and (total := total + sizes[count]) <= max_bytes:
                count += 1
        self.in_flight = [items.popleft() for _ in range(count)]
        return sum([sizes.popleft() for _ in range(count)])

    def release(self, size: int) -> None:
        """Forget the batch in flight, of `size` bytes."""
        self.in_flight = []
        self.bytes.add(-size, RELATIVE)

    def discard(self) -> int:
        """Drop all items but those in flight; return how many."""
        count = 0
        while self.items:
            self.items.popleft()
            self.bytes.add(-self.sizes.popleft(), RELATIVE)
            count += 1
        return count

    def __len__(self) -> int:
        """Return how many items there are, the batch in flight included."""
        return len(self.items) + len(self.in_flight)
