"""Queue error items in two steps: exceptions until their items are built, at once, then bodies until they are sent.

The first queue is short where it holds frames: they keep a request's objects alive.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

from service.telemetry.export.fork import on_fork
from service.telemetry.export.queue import ExportQueue
from service.telemetry.sink import ServiceInfo
from service.telemetry.sinks.rollbar import body, capture, sdk, substitutes
from service.telemetry.sinks.rollbar.capture import CapturedException, RequestInfo
from service.telemetry.sinks.rollbar.sdk import Collector

MAX_WITH_FRAMES = 16
"""Exceptions that wait with their frames and local variables. Further ones are shown without local variables."""
MAX_WAITING = 256
_BUILD_INTERVAL = 0.1
_BUILD_SECONDS_AT_EXIT = 1.0

Item = tuple[dict[str, Any], RequestInfo]
"""What the SDK has built, and the request that it belongs to."""


class ItemQueue(ExportQueue[bytes]):
    """Take exceptions, and items that the SDK has built; build, encode and send them on two threads.

    In an outage of Rollbar encoded bodies wait, never frames.
    """

    def __init__(self, name: str, send: Callable[[list[bytes]], None], service: ServiceInfo) -> None:
        self._service = service
        self._reset_limits()
        on_fork(self._reset_limits)
        self._builder: ExportQueue[CapturedException | Item] = ExportQueue(
            f"{name}-build",
            self._build,
            capacity=MAX_WAITING,
            batch_size=1,
            interval=_BUILD_INTERVAL,
            drop_metric=service.drop_metric,
        )
        super().__init__(name, send, capacity=MAX_WAITING, batch_size=1, drop_metric=service.drop_metric)

    def _reset_limits(self) -> None:
        self._frames = BoundedSemaphore(MAX_WITH_FRAMES)
        self._slots = BoundedSemaphore(MAX_WAITING)

    def report(self, error: BaseException) -> None:
        """Queue `error`, and put the uuid of its item on the request's span. Never raises."""
        if not self._take_slot():
            return
        with_frames = self._frames.acquire(blocking=False)
        try:
            captured = capture.capture(error, with_frames=with_frames)
        except Exception:  # noqa: BLE001 - application objects are being read
            self.counts.dropped_failed += 1
            captured = None
        if captured is None:
            self._release_slot(with_frames=with_frames)
            return
        capture.add_item_ids(captured.info, captured.uuid)
        self._builder.put(captured)

    def put_payload(self, payload: dict[str, Any]) -> None:
        """Queue an item that application code has built with the SDK's own functions."""
        if not self._take_slot():
            return
        data, info = payload["data"], capture.current_request_info()
        capture.add_item_ids(info, data["uuid"])
        self._builder.put((data, info))

    def _take_slot(self) -> bool:
        """Reserve a slot in both queues, or count the drop: an item is built only if it can be queued then."""
        if self._sender.is_suspended:
            self.counts.dropped_refused += 1
            return False
        has_slot = len(self._queue) < MAX_WAITING and self._slots.acquire(blocking=False)
        if not has_slot:
            self.counts.dropped_full += 1
        return has_slot

    @property
    def queued(self) -> int:
        """How many items are queued, those to be built included."""
        return super().queued + self._builder.queued

    def _release_slot(self, *, with_frames: bool) -> None:
        self._slots.release()
        if with_frames:
            self._frames.release()

    def _build(self, batch: list[CapturedException | Item]) -> None:
        """Encode one item and queue it. Never raises: what cannot be built in any way is counted."""
        [source] = batch
        with_frames = isinstance(source, CapturedException) and source.snapshot is None
        try:
            item = _item(source) if isinstance(source, CapturedException) else source
            if item is not None:
                self.put(body.encode(capture.complete(*item, self._service), self._service.redact))
        except Exception:  # noqa: BLE001 - application objects are being read
            self.counts.dropped_failed += 1
        finally:
            if isinstance(source, CapturedException):
                source.release()
            self._release_slot(with_frames=with_frames)

    def flush(self, seconds: float) -> bool:
        """Build and send what is queued now; return whether all of it was delivered or dropped within `seconds`."""
        deadline = time.monotonic() + seconds
        is_built = self._builder.flush(seconds)
        return super().flush(max(0.0, deadline - time.monotonic())) and is_built

    def begin_close(self, seconds: float) -> None:
        """Build the queued items, which is quick, and ask the thread to send them and end within `seconds`."""
        start = time.monotonic()
        self._builder.begin_close(min(seconds, _BUILD_SECONDS_AT_EXIT))
        if not self._builder.finish_close():
            self.counts.dropped_failed += self._builder.counts.dropped_failed
        super().begin_close(max(0.0, seconds - (time.monotonic() - start)))


def _item(captured: CapturedException) -> Item | None:
    """Return the item; None where a filter of the application's dropped it."""
    # Within the request's own context variables: the application's filters see what they would have seen then.
    collector = (captured.context or contextvars.Context()).run(_collect, captured)
    if collector.item is None and collector.passed:
        raise ValueError("the SDK built no item")
    return (collector.item, captured.info) if collector.item is not None else None


def _collect(captured: CapturedException) -> Collector:
    """Let the SDK build the item; where it fails or would be slow, from substitute exceptions."""
    if captured.snapshot is not None:
        exc_info, trace = substitutes.without_frames(captured.snapshot.exception)
        return _with_note(_build_by_sdk(captured, exc_info, body=trace), "local variables: too many errors at once")
    error, traceback = captured.error, captured.traceback
    if error is None:
        raise ValueError("it was built before")
    if not substitutes.is_long(error, traceback):
        collector = _build_by_sdk(captured, (type(error), error, traceback))
        if collector.item is not None or not collector.passed:
            return collector
        return _build_by_sdk(captured, substitutes.shortened(error, traceback))
    collector = _build_by_sdk(captured, substitutes.shortened(error, traceback))
    return _with_note(collector, "frames or causes: only the first and the last of many are shown")


def _build_by_sdk(captured: CapturedException, exc_info: substitutes.ExcInfo, **fields: object) -> Collector:
    fields |= {"uuid": captured.uuid, "timestamp": captured.timestamp}
    return sdk.build(exc_info, request=captured.request, level=captured.level, payload_data=fields)


def _with_note(collector: Collector, parts: str) -> Collector:
    if collector.item is not None:
        body.note_left_out(collector.item, parts)
    return collector
