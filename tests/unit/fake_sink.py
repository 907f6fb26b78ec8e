"""A sink for queues of numbers, as good or bad as a test wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from service.telemetry.export.queue import ExportQueue


class Link:
    """Take batches; fail the first `failures` of them; wait while `gate` is closed."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.calls = 0
        self._failures = failures
        self._error = error or ConnectionError("refused")

    def send(self, batch: list[int]) -> None:
        self.calls += 1
        assert self.gate.wait(10)
        if self.calls <= self._failures:
            raise self._error
        self.batches.append(batch)

    @property
    def items(self) -> list[int]:
        return [item for batch in self.batches for item in batch]


def until(look: Callable[[], object], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := bool(look())) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def closed(batcher: ExportQueue[int], seconds: float = 5) -> bool:
    batcher.begin_close(seconds)
    return batcher.finish_close()
