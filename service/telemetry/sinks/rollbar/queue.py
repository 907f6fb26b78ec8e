"""Queue error items in two steps: exceptions until their items are built, at once, then bytes until they are sent.

The first queue is short where it holds frames: they keep a request's objects alive.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

from service.settings import Settings
from service.telemetry.export.fork import on_fork
from service.telemetry.export.queue import Batcher
from service.telemetry.sinks.rollbar import body, capture, sdk, substitutes
from service.telemetry.sinks.rollbar.capture import Facts, Raised
from service.telemetry.sinks.rollbar.sdk import Collector

MAX_WITH_FRAMES = 16
"""Exceptions that wait with their frames and local variables. What comes beyond is shown without local variables."""
MAX_WAITING = 256
_BUILD_EVERY = 0.1
_BUILD_LAST = 1.0
"""Seconds that building what waits may take of a shutdown."""

Made = tuple[dict[str, Any], Facts]


class ErrorQueue(Batcher[bytes]):
    """Take exceptions, and items that the SDK has built; build, encode and send them from two threads.

    An outage of Rollbar makes bytes wait, never frames.
    """

    def __init__(self, name: str, send: Callable[[list[bytes]], None], settings: Settings) -> None:
        self._settings = settings
        self._keys = body.keys_of(settings)
        self._build_anew()
        on_fork(self._build_anew)
        self._builder: Batcher[Raised | Made] = Batcher(
            f"{name}-build", self._build, capacity=MAX_WAITING, batch_size=1, interval=_BUILD_EVERY
        )
        super().__init__(name, send, capacity=MAX_WAITING, batch_size=1)

    def _build_anew(self) -> None:
        self._frames = BoundedSemaphore(MAX_WITH_FRAMES)
        self._room = BoundedSemaphore(MAX_WAITING)

    def report(self, error: BaseException) -> None:
        """Queue `error`, and note the uuid of its item for the request's span. Never raises."""
        if not self._has_room():
            return
        with_frames = self._frames.acquire(blocking=False)
        try:
            raised = capture.take(error, with_frames=with_frames)
        except Exception:  # noqa: BLE001 - application objects are being read
            self.counts.dropped_failed += 1
            raised = None
        if raised is None:
            self._give_back(with_frames=with_frames)
            return
        if raised.facts.scope is not None:
            raised.facts.scope.rollbar_uuid = raised.uuid
        self._builder.put(raised)

    def take(self, payload: dict[str, Any]) -> None:
        """Queue an item that application code has made by the SDK's own functions."""
        if not self._has_room():
            return
        data, known = payload["data"], capture.facts()
        if known.scope is not None:
            known.scope.rollbar_uuid = data["uuid"]
        self._builder.put((data, known))

    def _has_room(self) -> bool:
        """Take a place in both queues, or count the loss: building what could not be queued then would be wasted."""
        if self._delivery.is_refused:
            self.counts.dropped_refused += 1
            return False
        has_room = len(self._queue) < MAX_WAITING and self._room.acquire(blocking=False)
        if not has_room:
            self.counts.dropped_full += 1
        return has_room

    @property
    def queued(self) -> int:
        """How many items wait, those to be built included."""
        return super().queued + self._builder.queued

    def _give_back(self, *, with_frames: bool) -> None:
        self._room.release()
        if with_frames:
            self._frames.release()

    def _build(self, batch: list[Raised | Made]) -> None:
        """Turn one into bytes. Never raises: what cannot be shown in any way is counted."""
        [waiting] = batch
        with_frames = isinstance(waiting, Raised) and waiting.told is None
        try:
            made = self._item(waiting) if isinstance(waiting, Raised) else waiting
            if made is not None:
                self.put(body.encode(capture.completed(*made, self._settings), self._keys))
        except Exception:  # noqa: BLE001 - application objects are being read
            self.counts.dropped_failed += 1
        finally:
            if isinstance(waiting, Raised):
                waiting.let_go()
            self._give_back(with_frames=with_frames)

    def _item(self, raised: Raised) -> Made | None:
        """Return the item; None where a filter of the application's took it."""
        # Within the request's own context variables: what the application's filters look at is as it was.
        collector = (raised.context or contextvars.Context()).run(_collect, raised)
        if collector.item is None and collector.passed:
            raise ValueError("the SDK made no item")
        return (collector.item, raised.facts) if collector.item is not None else None

    def flush(self, seconds: float) -> bool:
        """Build and send what is queued now; return whether all of it was dealt with within `seconds`."""
        deadline = time.monotonic() + seconds
        built = self._builder.flush(seconds)
        return super().flush(max(0.0, deadline - time.monotonic())) and built

    def begin_close(self, seconds: float) -> None:
        """Build what waits, which is quickly done, and ask the thread to send the rest and end within `seconds`."""
        begun = time.monotonic()
        self._builder.begin_close(min(seconds, _BUILD_LAST))
        if not self._builder.finish_close():
            self.counts.dropped_failed += self._builder.counts.dropped_failed
        super().begin_close(max(0.0, seconds - (time.monotonic() - begun)))


def _collect(raised: Raised) -> Collector:
    """Let the SDK build the item; where it fails, or would be long about it, of exceptions that stand in."""
    if raised.told is not None:
        exc_info, body = substitutes.without_frames(raised.told.exception)
        return _noted(_built(raised, exc_info, body=body), "local variables: too many errors at once")
    error, traceback = raised.error, raised.traceback
    if error is None:
        raise ValueError("it was built before")
    if not substitutes.is_long(error, traceback):
        collector = _built(raised, (type(error), error, traceback))
        if collector.item is not None or not collector.passed:
            return collector
        return _built(raised, substitutes.shortened(error, traceback))
    collector = _built(raised, substitutes.shortened(error, traceback))
    return _noted(collector, "frames or causes: only the first and the last of many are shown")


def _built(raised: Raised, exc_info: substitutes.ExcInfo, **overriding: object) -> Collector:
    overriding |= {"uuid": raised.uuid, "timestamp": raised.timestamp}
    return sdk.build(exc_info, request=raised.request, level=raised.level, payload_data=overriding)


def _noted(collector: Collector, what: str) -> Collector:
    if collector.item is not None:
        body.note(collector.item, what)
    return collector
