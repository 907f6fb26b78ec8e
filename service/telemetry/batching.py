"""Carry items from the request thread to a sink: a bounded queue and one thread that sends small batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from opentelemetry.instrumentation.utils import suppress_instrumentation

from service.telemetry.forks import on_fork

T = TypeVar("T")

logger = logging.getLogger(__name__)

_ATTEMPTS = 4
_FIRST_PAUSE = 0.25
_WARN_EVERY = 60.0
THREAD_PREFIX = "telemetry-"


class PermanentError(Exception):
    """The sink refuses the batch for good: sending it again would not help."""


@dataclass(slots=True)
class Counts:
    """What became of the items of one queue."""

    delivered: int = 0
    dropped_full: int = 0
    dropped_failed: int = 0


class Batcher(Generic[T]):
    """Queue items without ever blocking the caller, and send them in batches from one thread.

    The thread starts with the first item, in whichever process that is, so a fork before that is
    harmless and one after it begins anew. A full queue drops the newest item and counts it. A batch
    that fails is sent again a few times with growing pauses, then dropped and counted.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[list[T]], None],
        *,
        capacity: int = 4096,
        batch_size: int = 64,
        interval: float = 0.5,
    ) -> None:
        self.name = name
        self._send = send
        self._capacity = capacity
        self._batch_size = batch_size
        self._interval = interval
        self._warned = float("-inf")
        self._begin_anew()
        on_fork(self._begin_anew)

    def _begin_anew(self) -> None:
        # In a forked worker the parent still holds the queued items, and sends them.
        self.counts = Counts()
        self._queue: deque[T] = deque()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._idle = threading.Condition()
        self._sending = False
        self._wake = threading.Event()
        self._closing = False
        self._deadline = float("inf")

    def put(self, item: T) -> None:
        """Queue one item; drop and count it when the queue is full."""
        if len(self._queue) >= self._capacity:
            self.counts.dropped_full += 1
            return
        self._queue.append(item)
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name=f"{THREAD_PREFIX}{self.name}", daemon=True)
                self._thread.start()

    def flush(self, seconds: float) -> bool:
        """Send what is queued now; return whether all of it was dealt with within `seconds`."""
        if self._thread is None:
            return not self._queue
        deadline = time.monotonic() + seconds
        self._wake.set()
        with self._idle:
            return self._idle.wait_for(
                lambda: not self._queue and not self._sending, max(0.0, deadline - time.monotonic())
            )

    def begin_close(self, seconds: float) -> None:
        """Ask the thread to send the rest and end within `seconds`; `finish_close` waits for it."""
        self._deadline = time.monotonic() + seconds
        self._closing = True
        self._wake.set()

    def finish_close(self) -> bool:
        """Wait until the deadline of `begin_close`; return whether everything was dealt with."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()))
        self.counts.dropped_failed += len(self._queue)
        return not self._queue

    def _run(self) -> None:
        with suppress_instrumentation():
            while not self._closing:
                self._wake.wait(self._interval)
                self._wake.clear()
                self._drain()
            self._drain()

    def _drain(self) -> None:
        while self._queue and time.monotonic() < self._deadline:
            self._sending = True
            try:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_size))]
                self._deliver(batch)
            finally:
                self._sending = False
        with self._idle:
            self._idle.notify_all()

    def _deliver(self, batch: list[T]) -> None:
        pause = _FIRST_PAUSE
        for attempt in range(_ATTEMPTS):
            try:
                self._send(batch)
            except PermanentError as error:
                return self._give_up(batch, error)
            except Exception as error:  # noqa: BLE001 - whatever a sink's client raises must not end this thread
                if attempt == _ATTEMPTS - 1 or time.monotonic() + pause > self._deadline:
                    return self._give_up(batch, error)
                self._pause(pause)
                pause *= 2
            else:
                self.counts.delivered += len(batch)
                return None
        return None

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; a shutdown that begins meanwhile cuts the wait short."""
        until = time.monotonic() + seconds
        while not self._closing and time.monotonic() < until:
            time.sleep(min(0.05, seconds))

    def _give_up(self, batch: list[T], error: Exception) -> None:
        self.counts.dropped_failed += len(batch)
        now = time.monotonic()
        if now - self._warned >= _WARN_EVERY:
            self._warned = now
            logger.warning("telemetry for %s was dropped: %d items so far (%s)", self.name, self._lost(), error)

    def _lost(self) -> int:
        return self.counts.dropped_full + self.counts.dropped_failed


def is_sending_thread() -> bool:
    """Return whether the caller runs on a batcher's thread."""
    return threading.current_thread().name.startswith(THREAD_PREFIX)
