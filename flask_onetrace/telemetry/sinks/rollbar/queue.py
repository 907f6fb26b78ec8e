"""Queue error items in two steps: exceptions until their items are built, at once, then bodies until they are sent.

The first queue is short where it holds frames: they keep a request's objects alive.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.export.size import size_of
from flask_onetrace.telemetry.plain import ends_process
from flask_onetrace.telemetry.sink import ServiceInfo
from flask_onetrace.telemetry.sinks.rollbar import body, capture, causes, sdk, substitutes
from flask_onetrace.telemetry.sinks.rollbar.capture import CapturedException, Item, RequestInfo
from flask_onetrace.telemetry.sinks.rollbar.causes import Cause, CauseBudget, Grant
from flask_onetrace.telemetry.sinks.rollbar.duplicates import BY_APPLICATION, BY_TELEMETRY, is_reported, note
from flask_onetrace.telemetry.sinks.rollbar.sdk import Collector

MAX_WITH_FRAMES = 16
"""Exceptions that wait with their frames and local variables. Further ones are shown without local variables."""
_MAX_FRAME_SECONDS = 5.0
"""Exceptions that wait longer lose their frames: an item is built within a second, unless application code hangs."""
MAX_REPEATS = 192
"""Items that wait, of causes that were reported before."""
MAX_WAITING = MAX_REPEATS + causes.MAX_CAUSES
"""Items that wait in all: the first of each cause finds a place, however many others wait."""
_MAX_BYTES = 3 * 1024 * 1024
_RESERVED_BYTES = _MAX_BYTES // 2
"""For items without local variables: those that show them take the rest."""
_MAX_SHARE = 1 / 4
"""The share of what is left that one item may take."""
_BUILD_BYTES = 2 * 1024 * 1024
_BUILD_INTERVAL = 0.1
_BUILD_SECONDS_AT_EXIT = 1.0
_OVER_BUDGET = f"repeats of an error beyond {causes.BURST} at once and {causes.RATE:.0f} a second"


class ItemQueue(ExportQueue[bytes]):
    """Take exceptions, and items that the SDK has built; build, encode and send them on two threads.

    In an outage of Rollbar encoded bodies wait, never frames. Each cause has a budget.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[list[bytes]], None],
        service: ServiceInfo,
        is_own_token: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._service = service
        self.is_own_token = is_own_token
        """Whether a token is that of the project that these items go to."""
        self._reset_limits()
        on_fork(self._reset_limits)
        self._builder: ExportQueue[CapturedException | Item] = ExportQueue(
            f"{name}-build",
            self._build,
            capacity=MAX_WAITING,
            max_bytes=_BUILD_BYTES,
            batch_size=1,
            interval=_BUILD_INTERVAL,
        )
        super().__init__(
            name, send, capacity=MAX_WAITING, max_bytes=_MAX_BYTES, batch_size=1, drop_metric=service.drop_metric
        )

    def _reset_limits(self) -> None:
        self._causes = CauseBudget()
        # Reentrant: the garbage collector may run code of the application's within it, which may fail.
        self._lock = threading.RLock()
        self._with_frames: deque[CapturedException] = deque()
        """Those of `_builder` that have frames, oldest first."""

    def report(self, error: BaseException) -> None:
        """Queue `error`. Never raises."""
        try:
            if is_reported(error, BY_APPLICATION):
                return
            note(error, BY_TELEMETRY)
            grant = self._grant(causes.of_exception(error))
            captured = self._capture(error) if grant is not None else None
        except BaseException as failure:  # application objects are being read
            if ends_process(failure):
                raise
            self.counts.dropped_failed += 1
            return
        if grant is None or captured is None:
            return
        captured.repeats_left_out = grant.left_out
        self._put_to_build(captured, captured.info, captured.uuid)

    def _capture(self, error: BaseException) -> CapturedException | None:
        with self._lock:
            self._drop_old_frames()
            captured = capture.capture(error, with_frames=len(self._with_frames) < MAX_WITH_FRAMES)
            if captured is not None and captured.error is not None:
                self._with_frames.append(captured)
        return captured

    def put_payload(self, payload: dict[str, Any]) -> None:
        """Queue an item that application code has built with the SDK's own functions."""
        try:
            data, info = payload["data"], capture.current_request_info()
            grant = self._grant(causes.of_item(data))
            if grant is not None:
                self._put_to_build(Item(data, info, grant.left_out), info, data["uuid"])
        except BaseException as error:  # filters of the application's may have put anything into the item
            if ends_process(error):
                raise
            self.reject(error)

    def _put_to_build(self, source: CapturedException | Item, info: RequestInfo, item_uuid: str) -> None:
        """Queue `source`, and put the item's uuid on the request's span."""
        if self._builder.queued_bytes + size_of(source) > _BUILD_BYTES:
            self.counts.dropped_full += 1
            return
        capture.add_item_ids(info, item_uuid)
        self._builder.put(source)
        if self._thread is None:
            self._start()  # it drops old frames, whether there is something to send or not

    def _grant(self, cause: Cause) -> Grant | None:
        """Return what an item of `cause` may have. None, which counts a drop: it could not be queued once built."""
        if self._sender.is_suspended:
            self.counts.dropped_refused += 1
            return None
        grant = self._causes.spend(cause)
        if grant is None:
            self.counts.dropped_repeated += 1
            self._sender.note_drop(_OVER_BUDGET)
        elif self.queued >= (MAX_WAITING if grant.is_first else MAX_REPEATS):
            self.counts.dropped_full += 1
            return None
        return grant

    def _drop_old_frames(self) -> None:
        """Forget what has been built, and drop the frames of what has waited for long."""
        oldest = time.monotonic() - _MAX_FRAME_SECONDS
        while self._with_frames:
            captured = self._with_frames[0]
            if captured.error is not None and captured.captured_at > oldest:
                return
            self._with_frames.popleft()
            captured.drop_frames()

    def _drain(self, overdue: int) -> None:
        with self._lock:
            self._drop_old_frames()
        super()._drain(overdue)

    @property
    def queued(self) -> int:
        """How many items are queued, those to be built included."""
        return super().queued + self._builder.queued

    @property
    def queued_bytes(self) -> int:
        """How many bytes are reserved for them."""
        return super().queued_bytes + self._builder.queued_bytes

    def _build(self, batch: list[CapturedException | Item]) -> None:
        """Encode one item and queue it. Never raises: what cannot be built in any way is counted."""
        [source] = batch
        try:
            item = _item(source) if isinstance(source, CapturedException) else source
            if item is not None:
                data = capture.complete(item, self._service)
                self.put(body.encode(data, self._service.redact, self._max_body()))
        except BaseException:  # noqa: BLE001 - application objects are being read, on a thread of telemetry's own
            self.counts.dropped_failed += 1
        finally:
            if isinstance(source, CapturedException):
                source.release()

    def _max_body(self) -> int:
        """Return how long the next body may be: the fuller the queue, the shorter."""
        free = _MAX_BYTES - super().queued_bytes
        guaranteed = free // (MAX_WAITING - super().queued + 1)
        return min(body.MAX_BODY, max(guaranteed, int((free - _RESERVED_BYTES) * _MAX_SHARE)))

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
    return Item(collector.item, captured.info, captured.repeats_left_out) if collector.item is not None else None


def _collect(captured: CapturedException) -> Collector:
    """Let the SDK build the item; where it fails or would be slow, from substitute exceptions."""
    error, traceback = captured.error, captured.traceback
    if error is None:
        if captured.snapshot is None:
            raise ValueError("it was built before")
        exc_info, trace = substitutes.without_frames(captured.snapshot.exception)
        return _with_note(_build_by_sdk(captured, exc_info, body=trace), "local variables: too many errors at once")
    if not substitutes.is_readable(error):
        return _build_by_sdk(captured, substitutes.shortened(error, traceback))
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
