"""Carry items from the request thread to a sink: a bounded queue and one thread that sends small batches."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from opentelemetry.instrumentation.utils import suppress_instrumentation

from service.telemetry.export.drop_metrics import Counts
from service.telemetry.export.fork import on_fork
from service.telemetry.export.gil_pacing import skip_turns_while
from service.telemetry.export.retry import Delivery

T = TypeVar("T")

_FIRST_PAUSE = 0.25
_PROBE_EVERY = 300.0
_BEHIND = 0.25
"""The share of a queue from which on sending is more urgent than letting requests go first."""
THREAD_PREFIX = "telemetry-"


class _Here(threading.local):
    sends = False


_here = _Here()


class Batcher(Generic[T]):
    """Queue items without ever blocking the caller, and send them in batches from one thread.

    The thread starts with the first item, in whichever process that is, so a fork before that is harmless and one
    after it begins anew. While the sink fails, what is queued is kept; a full queue drops what comes next and counts
    it, and so does one whose sink refuses the credentials. `carries_logs` says that the service's own log lines travel
    through this queue; `probe_every` and `first_pause` are those of `Delivery`.
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
        self._batch_size = batch_size
        self.interval = interval
        """Seconds after which what waits is sent, be it less than a batch."""
        self._new_delivery = partial(
            Delivery[T], name, send, probe_every=probe_every, first_pause=first_pause, carries_logs=carries_logs
        )
        self._begin_anew()
        on_fork(self._begin_anew)

    def _begin_anew(self) -> None:
        # In a forked worker the parent still holds the queued items, and sends them.
        self._delivery = self._new_delivery()
        self._queue: deque[T] = deque()
        self._in_hand: list[T] = []
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._idle = threading.Condition()
        self._wake = threading.Event()
        self._flushing = 0
        self._deadline = float("inf")

    @property
    def counts(self) -> Counts:
        """What became of the items."""
        return self._delivery.counts

    @property
    def quiet(self) -> str | None:
        """The remedy, while the sink refuses the credentials."""
        return self._delivery.quiet

    @property
    def last_error(self) -> str | None:
        """What the sink answered last, unless it took it."""
        return self._delivery.last_error

    @property
    def queued(self) -> int:
        """How many items wait, the batch that is being sent included."""
        return len(self._queue) + len(self._in_hand)

    def put(self, item: T) -> None:
        """Queue one item; drop and count it when the queue is full, or its sink told nothing."""
        queue = self._queue
        waiting = len(queue)
        if waiting >= self.capacity:
            self.counts.dropped_full += 1
            return
        if self._delivery.is_refused:
            self.counts.dropped_refused += 1
            return
        queue.append(item)
        if self._thread is None:
            self._start()
        elif waiting == self._batch_size:
            self._wake.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._delivery.is_closing:
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
        self._deadline = self._delivery.begin_close(seconds)
        self._wake.set()

    def finish_close(self) -> bool:
        """Wait until the deadline of `begin_close`; return whether everything was dealt with."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()))
        left = self.queued
        self.counts.dropped_failed += left
        self._delivery.report(now=True)
        return not left

    def _run(self) -> None:
        _here.sends = True
        skip_turns_while(self._is_urgent)
        with suppress_instrumentation():
            while not self._delivery.is_closing:
                was_woken = self._wake.wait(self.interval)
                self._wake.clear()
                self._drain(0 if was_woken else len(self._queue))
            self._drain(0)

    def _drain(self, waiting: int) -> None:
        """Send what has been `waiting` for an interval, and whole batches: of the rest would come ever smaller ones."""
        delivery = self._delivery
        while delivery.may_go_on() and self._is_due(waiting):
            try:
                self._take()
                waiting -= len(self._in_hand)
                delivery.deliver(self._in_hand)
            finally:
                self._in_hand = []
        if delivery.is_refused:
            self._drop_refused()
        delivery.report()
        with self._idle:
            self._idle.notify_all()

    def _is_due(self, waiting: int) -> bool:
        queued = len(self._queue)
        return queued > 0 and (waiting > 0 or queued >= self._batch_size or self._is_asked_for())

    def _is_asked_for(self) -> bool:
        return self._flushing > 0 or self._delivery.is_closing

    def _is_urgent(self) -> bool:
        return self._is_asked_for() or len(self._queue) > self.capacity * _BEHIND

    def _take(self) -> None:
        """Take the next batch: first into sight of `queued`, then off the queue, so that none is out of both."""
        count = min(len(self._queue), self._batch_size)
        self._in_hand = [self._queue[0]]
        self._in_hand = [self._queue.popleft() for _ in range(count)]

    def _drop_refused(self) -> None:
        """Drop what still waits: the sink would refuse it too."""
        refused = len(self._queue)
        self._queue.clear()
        self.counts.dropped_refused += refused


def is_sending_thread() -> bool:
    """Return whether the caller runs on a batcher's thread."""
    return _here.sends
