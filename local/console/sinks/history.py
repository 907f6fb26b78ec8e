"""Keep the readings of the last minutes, bounded, by worker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from operations.traces.document import Json

SECONDS: Final = 600.0
MAX_READINGS: Final = 3_000
"""Of all workers together: ten minutes of ten workers, each read every two seconds."""
MAX_WORKERS: Final = 64


@dataclass(slots=True)
class History:
    """Readings, oldest first. A worker is `<address>/<process id>`: after a restart it is another one.

    A process id can come back, as in each container: then the counts are lower, and the worker gets a new generation.
    """

    _readings: deque[Json] = field(default_factory=lambda: deque(maxlen=MAX_READINGS))
    _workers: dict[str, Json] = field(default_factory=dict)
    _generations: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, address: str, detail: Json, at: float) -> None:
        """Add what a worker has answered."""
        process = f"{address}/{detail['worker']}"
        sinks = {
            name: [sink.get("queued", 0), sink.get("queued_bytes", 0), sink.get("delivered", 0), _dropped(sink)]
            for name, sink in detail["sinks"].items()
            if sink["on"]
        }
        with self._lock:
            generation = self._generations.get(process, 0)
            last = self._workers.get(_key(process, generation))
            if last is not None and _is_reset(last, detail):
                generation += 1
                self._generations[process] = generation
            key = _key(process, generation)
            self._workers.pop(key, None)  # the newest last
            self._workers[key] = {**detail, "id": key, "address": address, "last": at}
            threads = detail.get("threads")
            busy = threads.get("threads_busy") if isinstance(threads, dict) else None
            self._readings.append({"at": at, "worker": key, "sinks": sinks, "threads_busy": busy})
            self._expire(at)

    def fail(self, address: str, reason: str, at: float) -> None:
        """Add that an address could not be read, and why."""
        with self._lock:
            self._readings.append({"at": at, "address": address, "reason": reason})
            self._expire(at)

    def since(self, after: float) -> tuple[list[Json], list[Json]]:
        """Return the readings after a time, and the last detail of each worker that has any in the window."""
        with self._lock:
            return [each for each in self._readings if each["at"] > after], list(self._workers.values())

    def _expire(self, now: float) -> None:
        while self._readings and self._readings[0]["at"] < now - SECONDS:
            self._readings.popleft()
        expired = [key for key, each in self._workers.items() if each["last"] < now - SECONDS]
        for key in [*expired, *list(self._workers)[: max(0, len(self._workers) - MAX_WORKERS)]]:
            worker = self._workers.pop(key, None)
            if worker is not None:
                self._generations.pop(f"{worker['address']}/{worker['worker']}", None)


def _key(process: str, generation: int) -> str:
    return f"{process}#{generation}" if generation else process


def _dropped(sink: Json) -> int:
    return sum(sink["dropped"].values())


def _is_reset(last: Json, detail: Json) -> bool:
    """Return whether a count is lower than it was: another process answers."""
    return any(
        detail["sinks"].get(name, {}).get("delivered", 0) < sink.get("delivered", 0)
        or _dropped(detail["sinks"].get(name, {"dropped": {}})) < _dropped(sink)
        for name, sink in last["sinks"].items()
    )
