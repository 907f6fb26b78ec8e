"""Carry items from the request thread to a sink: a bounded queue and one thread that sends small batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from opentelemetry.instrumentation.utils import suppress_instrumentation

from service.telemetry.drops import Counts, DropReport
from service.telemetry.forks import on_fork
from service.telemetry.send_errors import BusyError, PermanentError, UnauthorizedError, UnwritableError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
_LAST_PAUSES = (0.25, 0.5, 1.0)
"""Seconds before each further attempt at exit."""
_PROBE_EVERY = 300.0
THREAD_PREFIX = "telemetry-"


class _Here(threading.local):
    sends = False


_here = _Here()


class Batcher(Generic[T]):
    """Queue items without ever blocking the caller, and send them in batches from one thread.

    The thread starts with the first item, in whichever process that is, so a fork before that is harmless and one
    after it begins anew. While the sink fails, what is queued is kept and tried again, with growing pauses; a full
    queue drops what comes next and counts it. A sink that refuses the credentials is told no more, but for a probe
    every 5 minutes. An item that cannot be written is dropped and counted by itself. `carries_logs` says that the
    service's own log lines travel through this queue.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[list[T]], None],
        *,
        capacity: int = 4096,
        batch_size: int = 64,
        interval: float = 0.5,
        probe_every: float = _PROBE_EVERY,
        first_pause: float = _FIRST_PAUSE,
        carries_logs: bool = False,
    ) -> None:
        self.name = name
        self.capacity = capacity
        self._send = send
        self._batch_size = batch_size
        self.interval = interval
        """Seconds after which what waits is sent, be it less than a batch."""
        self._probe_every = probe_every
        self._first_pause = first_pause
        self._carries_logs = carries_logs
        self._begin_anew()
        on_fork(self._begin_anew)

    def _begin_anew(self) -> None:
        # In a forked worker the parent still holds the queued items, and sends them.
        self.counts = Counts()
        self.quiet: str | None = None
        """The remedy, while the sink is told nothing."""
        self.last_error: str | None = None
        self._report = DropReport(self.name, self.counts, carries_logs=self._carries_logs)
        self._queue: deque[T] = deque()
        self._in_hand: list[T] = []
        self._refusing = False
        self._given_up = False
        self._probe_at = 0.0
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._idle = threading.Condition()
        self._wake = threading.Event()
        self._closing = False
        self._flushing = 0
        self._deadline = float("inf")

    @property
    def queued(self) -> int:
        """How many items wait, the batch that is being sent included."""
        return len(self._queue) + len(self._in_hand)

    def put(self, item: T) -> None:
        """Queue one item; drop and count it when the queue is full, or the sink quiet."""
        queue = self._queue
        waiting = len(queue)
        if waiting >= self.capacity:
            self.counts.dropped_full += 1
            return
        if self._refusing:
            self.counts.dropped_refused += 1
            return
        queue.append(item)
        if self._thread is None:
            self._start()
        elif waiting == self._batch_size:
            self._wake.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closing:
                thread = threading.Thread(target=self._run, name=f"{THREAD_PREFIX}{self.name}", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no thread is to be had: the item waits, and the next one tries again
                    return
                self._thread = thread

    def flush(self, seconds: float) -> bool:
        """Send what is queued now; return whether all of it was dealt with within `seconds`."""
        if self._thread is None:
            return not self._queue
        deadline = time.monotonic() + seconds
        with self._idle:
            self._flushing += 1
            self._wake.set()
            try:
                return self._idle.wait_for(lambda: not self.queued, max(0.0, deadline - time.monotonic()))
            finally:
                self._flushing -= 1

    def begin_close(self, seconds: float) -> None:
        """Ask the thread to send the rest and end within `seconds`; `finish_close` waits for it."""
        self._deadline = time.monotonic() + seconds
        self._closing = True
        self._wake.set()

    def finish_close(self) -> bool:
        """Wait until the deadline of `begin_close`; return whether everything was dealt with."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()))
        left = self.queued
        self.counts.dropped_failed += left
        self._report.say(self._why(), now=True)
        return not left

    def _run(self) -> None:
        _here.sends = True
        with suppress_instrumentation():
            while not self._closing:
                was_woken = self._wake.wait(self.interval)
                self._wake.clear()
                self._drain(0 if was_woken else len(self._queue))
            self._drain(0)

    def _drain(self, waiting: int) -> None:
        """Send what has been `waiting` for an interval, and whole batches: of the rest would come ever smaller ones."""
        if self._refusing and time.monotonic() >= self._probe_at:
            self._refusing = False
        while self._is_due(waiting) and not self._refusing and not self._given_up and time.monotonic() < self._deadline:
            try:
                self._take()
                waiting -= len(self._in_hand)
                self._deliver(self._in_hand)
            finally:
                self._in_hand = []
        self._report.say(self._why())
        with self._idle:
            self._idle.notify_all()

    def _is_due(self, waiting: int) -> bool:
        queued = len(self._queue)
        return queued > 0 and (waiting > 0 or queued >= self._batch_size or self._flushing > 0 or self._closing)

    def _take(self) -> None:
        """Take the next batch: first into sight of `queued`, then off the queue, so that none is out of both."""
        count = min(len(self._queue), self._batch_size)
        self._in_hand = [self._queue[0]]
        self._in_hand = [self._queue.popleft() for _ in range(count)]

    def _deliver(self, batch: list[T]) -> None:
        """Send `batch`, however long the sink is away; give it up only at exit."""
        pause = self._first_pause
        while (asked_for := self._attempt(batch)) is not None:
            self._report.say(self._why())
            if self._closing:
                self._deliver_last(batch)
                return
            self._pause(max(pause, asked_for))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _deliver_last(self, batch: list[T]) -> None:
        """Try a few times more; where that fails, what else is queued would fail too."""
        for pause in _LAST_PAUSES:
            if time.monotonic() + pause > self._deadline:
                break
            time.sleep(pause)
            if self._attempt(batch) is None:
                return
        self.counts.dropped_failed += len(batch)
        self._given_up = True

    def _attempt(self, batch: list[T]) -> float | None:
        """Send `batch`; return None when it is dealt with, else the seconds that the sink asked to be left alone."""
        unwritable: UnwritableError | None = None
        try:
            self._send(batch)
        except UnauthorizedError as error:
            self._fall_silent(batch, error)
        except UnwritableError as error:
            unwritable = error
        except PermanentError as error:
            self._refuse(len(batch), error)
        except Exception as error:  # noqa: BLE001 - whatever a sink's client raises must not end this thread
            self.last_error = f"{type(error).__name__}: {error}"
            return error.seconds if isinstance(error, BusyError) else 0.0
        else:
            self.counts.delivered += len(batch)
            self._speak_again()
        if unwritable is not None:
            self._part(batch, unwritable)
        return None

    def _refuse(self, count: int, error: Exception) -> None:
        self.last_error = str(error)
        self._report.because(str(error))
        self.counts.dropped_refused += count

    def _part(self, batch: list[T], error: UnwritableError) -> None:
        """Send each half of `batch` by itself, and so on, until what cannot be written is alone."""
        if len(batch) == 1:
            self._refuse(1, error)
            return
        half = len(batch) // 2
        self._deliver(batch[:half])
        self._deliver(batch[half:])

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; a shutdown that begins meanwhile cuts the wait short."""
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            time.sleep(min(0.05, left))

    def _fall_silent(self, batch: list[T], error: UnauthorizedError) -> None:
        """Tell the sink nothing more, and say so once."""
        self._refusing = True
        self._probe_at = time.monotonic() + self._probe_every
        if self.quiet is None:
            self.quiet = self.last_error = str(error)
            logger.error("%s takes nothing with these credentials, and is told nothing more: %s", self.name, error)
        refused = len(batch) + len(self._queue)
        self._queue.clear()
        self.counts.dropped_refused += refused
        self._report.said()

    def _speak_again(self) -> None:
        self.last_error = None
        if self.quiet is not None:
            self.quiet = None
            logger.warning("%s takes what it is sent again", self.name)

    def _why(self) -> str:
        return self.quiet or self.last_error or "the queue was full"


def is_sending_thread() -> bool:
    """Return whether the caller runs on a batcher's thread."""
    return _here.sends
