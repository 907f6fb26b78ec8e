"""A fake sink for queues of integers, with configurable failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flask_onetrace.telemetry.export.queue import ExportQueue


class FakeSink:
    """Record batches; fail the first `failures` calls; block while `gate` is cleared."""

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


def wait_until(condition: Callable[[], object], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not (result := bool(condition())) and time.monotonic() < deadline:
        time.sleep(0.005)
    return result


def close(queue: ExportQueue[int], seconds: float = 5) -> bool:
    queue.begin_close(seconds)
    return queue.finish_close()
