"""Carry items from request threads to a sink: a queue bounded in items and bytes, and one thread that sends batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from opentelemetry.instrumentation.utils import suppress_instrumentation

from flask_onetrace.telemetry.config import DropMetric
from flask_onetrace.telemetry.export.backlog import Backlog
from flask_onetrace.telemetry.export.byte_count import RELATIVE
from flask_onetrace.telemetry.export.drop_metrics import ItemCounts
from flask_onetrace.telemetry.export.errors import encoding_reason
from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.export.gil_pacing import bypass_while
from flask_onetrace.telemetry.export.retry import RetryingSender
from flask_onetrace.telemetry.export.size import size_of
from flask_onetrace.telemetry.export.threads import mark_export_thread, new_thread

T = TypeVar("T")

_MAX_BYTES = 2 * 1024 * 1024
_BATCH_BYTES = 1024 * 1024
_INITIAL_BACKOFF = 0.25
_PROBE_INTERVAL = 300.0
_URGENT_SHARE = 0.25
"""The share of a queue from which on sending is more urgent than pacing for the requests' sake."""


class ExportQueue(Generic[T]):
    """Queue items without ever blocking the caller, and send them in batches from one thread.

    The thread starts with the first item, in whichever process that is, so a fork before that is harmless and one
    after it starts afresh. While the sink fails, queued items are kept; a full queue drops new items and counts them,
    and so does one whose sink rejects the credentials. It is full with `capacity` items, or `max_bytes` of memory as
    `weigh` estimates it for each item, those being sent included. A batch has `batch_size` items or `batch_bytes` at
    most; a larger item has one of its own. `redact_line` says that the service's own log lines travel through this
    queue, so that `DropReport` writes elsewhere; `probe_interval` and `initial_backoff` are those of `RetryingSender`.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[list[T]], None],
        *,
        capacity: int = 4096,
        max_bytes: int = _MAX_BYTES,
        weigh: Callable[[T], int] = size_of,
        batch_size: int = 64,
        batch_bytes: int = _BATCH_BYTES,
        interval: float = 0.5,
        probe_interval: float = _PROBE_INTERVAL,
        initial_backoff: float = _INITIAL_BACKOFF,
        redact_line: Callable[[str], str] | None = None,
        drop_metric: DropMetric | None = None,
    ) -> None:
        self.name = name
        self.capacity = capacity
        self.max_bytes = max_bytes
        self._weigh = weigh
        self._batch_size = batch_size
        self._batch_bytes = batch_bytes
        self.interval = interval
        """Seconds after which queued items are sent, even if they do not fill a batch."""
        self._new_sender = partial(
            RetryingSender[T],
            name,
            send,
            probe_interval=probe_interval,
            initial_backoff=initial_backoff,
            redact_line=redact_line,
            drop_metric=drop_metric,
        )
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        # After a fork the parent still holds the queued items, and sends them.
        self._sender = self._new_sender()
        self._backlog = Backlog[T]()
        # For `put`, which is on every request's path.
        self._queue, self._add_bytes = self._backlog.items, self._backlog.bytes.add
        self._append_size, self._append = self._backlog.sizes.append, self._backlog.items.append
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._idle = threading.Condition()
        self._wake = threading.Event()
        self._flushing = 0
        self._is_closed = False
        self._room = self.capacity
        """Items that it may hold: none while export is suspended, or after the end."""
        self._deadline = float("inf")

    @property
    def counts(self) -> ItemCounts:
        """The items' counts, by outcome."""
        return self._sender.counts

    @property
    def unauthorized_reason(self) -> str | None:
        """The response and the remedy, while the sink rejects the credentials."""
        return self._sender.unauthorized_reason

    @property
    def last_error(self) -> str | None:
        """The sink's last error, None after a batch that it accepted."""
        return self._sender.last_error

    @property
    def queued(self) -> int:
        """How many items are queued, the batch in flight included."""
        return len(self._backlog)

    @property
    def queued_bytes(self) -> int:
        """How many bytes they take."""
        return self._backlog.bytes.total()

    def put(self, item: T) -> None:
        """Queue one item; drop and count it when the queue is full, or export is suspended."""
        size, length = self._weigh(item), len(self._queue)
        if length >= self._room:
            self._count_drop()
            return
        total = self._add_bytes(size, RELATIVE)
        if total > self.max_bytes:
            self._add_bytes(-size, RELATIVE)
            self._count_drop()
            return
        self._append_size(size)
        self._append(item)
        if self._thread is None:
            self._start()
        elif length == self._batch_size or (total >= self._batch_bytes and total - size < self._batch_bytes):
            self._wake.set()

    def reject(self, error: BaseException) -> None:
        """Count an item that could not even be queued, as `error` says."""
        self.counts.dropped_refused += 1
        self._sender.note_drop(encoding_reason(error))

    def _count_drop(self) -> None:
        if self._is_closed:
            self.counts.dropped_failed += 1
        elif self._sender.is_suspended:
            self.counts.dropped_refused += 1
        else:
            self.counts.dropped_full += 1

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._sender.is_closing:
                thread = new_thread(self.name, self._run)
                try:
                    thread.start()
                except RuntimeError:  # the system has no thread left: the item stays queued, the next one tries again
                    return
                self._thread = thread

    def flush(self, seconds: float) -> bool:
        """Send what is queued now; return whether all of it was delivered or dropped within `seconds`."""
        if self._thread is None or self._is_closed:
            return not self.queued
        with self._idle:
            self._flushing += 1
            self._wake.set()
            try:
                return self._idle.wait_for(lambda: not self.queued, seconds)
            finally:
                self._flushing -= 1

    def begin_close(self, seconds: float) -> None:
        """Ask the thread to send what is queued and end within `seconds`; `finish_close` waits for it."""
        self._deadline = self._sender.begin_close(seconds)
        self._wake.set()

    def finish_close(self) -> bool:
        """Wait until the deadline of `begin_close`; return whether everything was delivered or dropped."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()))
        unsent = self.queued
        self.counts.dropped_failed += unsent
        self._is_closed = True
        self._room = 0
        if self._thread is None or not self._thread.is_alive():  # else the thread does, as soon as its sink returns
            self._backlog.discard()
        self._sender.report_drops(now=True)
        return not unsent

    def _run(self) -> None:
        mark_export_thread()
        bypass_while(self._is_urgent)
        with suppress_instrumentation():
            while not self._sender.is_closing:
                was_woken = self._wake.wait(self.interval)
                self._wake.clear()
                self._drain(0 if was_woken else len(self._queue))
            self._drain(0)
        if self._is_closed:
            self._backlog.discard()

    def _drain(self, overdue: int) -> None:
        """Send full batches, and the `overdue` items, older than one interval; leave a partial batch to fill."""
        sender = self._sender
        while self._may_continue() and self._is_due(overdue):
            size = self._backlog.take(self._batch_size, self._batch_bytes)
            overdue -= len(self._backlog.in_flight)
            try:
                sender.deliver(self._backlog.in_flight)
            finally:
                self._backlog.release(size)
        if sender.is_suspended:
            self.counts.dropped_refused += self._backlog.discard()
        sender.report_drops()
        with self._idle:
            self._idle.notify_all()

    def _may_continue(self) -> bool:
        may_continue = self._sender.may_continue()
        self._room = 0 if self._sender.is_suspended else self.capacity
        if self._is_closed:  # by another thread, perhaps just now
            self._room = 0
        return may_continue

    def _is_due(self, overdue: int) -> bool:
        is_full_batch = len(self._queue) >= self._batch_size or self._backlog.bytes.total() >= self._batch_bytes
        return bool(self._queue) and (overdue > 0 or is_full_batch or self._is_flushing())

    def _is_flushing(self) -> bool:
        return self._flushing > 0 or self._sender.is_closing

    def _is_urgent(self) -> bool:
        share = max(len(self._queue) / self.capacity, self._backlog.bytes.total() / self.max_bytes)
        return share > _URGENT_SHARE or self._is_flushing()
