"""Send batches to one sink: retry with backoff while it is unreachable, never after a permanent error."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from flask_onetrace.telemetry.config import DropMetric
from flask_onetrace.telemetry.export.drop_metrics import DropReport, ItemCounts
from flask_onetrace.telemetry.export.errors import (
    BadRequestError,
    ItemError,
    PartialSuccessError,
    RejectedError,
    RetryAfterError,
    ServerError,
    SplitError,
    UnauthorizedError,
)
from flask_onetrace.telemetry.export.outage import OutageReport
from flask_onetrace.telemetry.safe_logging import safe_logger

T = TypeVar("T")

logger = safe_logger(__name__)

_MAX_BACKOFF = 5.0
_EXIT_BACKOFFS = (0.25, 0.5, 1.0)
"""Seconds before each further attempt at exit."""
_MAX_SERVER_ERRORS = 8
"""A batch at which the sink fails is retried so often, which takes 23 seconds, before it is split."""
_MAX_SPLITS = 32
"""How often a batch that the sink rejects is split: enough for three bad items of 512. A sink may reject them all."""


class RetryingSender(Generic[T]):
    """Send batches by `send`, and count their items by outcome.

    While the sink fails, a batch is retried with a growing backoff, which begins at `initial_backoff` seconds. A sink
    that rejects the credentials gets no more than one batch every `probe_interval` seconds. An item that cannot be
    encoded, or for which the sink rejects its batch or keeps failing at it, is dropped by itself. Not thread-safe.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[list[T]], None],
        *,
        probe_interval: float,
        initial_backoff: float,
        redact_line: Callable[[str], str] | None,
        drop_metric: DropMetric | None,
    ) -> None:
        self.counts = ItemCounts()
        self.unauthorized_reason: str | None = None
        """The response and the remedy, while the sink rejects the credentials."""
        self.last_error: str | None = None
        self.is_suspended = False
        """Whether nothing is sent now: while the credentials are rejected, between two probes."""
        self.is_closing = False
        self._name = name
        self._send = send
        self._probe_interval = probe_interval
        self._next_probe = 0.0
        self._initial_backoff = initial_backoff
        self._drops = DropReport(name, self.counts, drop_metric, redact_line=redact_line)
        self._outage = OutageReport(name, redact_line=redact_line)
        self._gave_up = False
        self._splits = 0
        """How often the current batch may still be split."""
        self._server_errors = 0
        """How often the sink may still fail at the current batch before that is taken to be the cause."""
        self._deadline = float("inf")

    def begin_close(self, seconds: float) -> float:
        """Retry no longer than `seconds` from now; return that deadline by the monotonic clock."""
        self._deadline = time.monotonic() + seconds
        self.is_closing = True
        return self._deadline

    def may_continue(self) -> bool:
        """Return whether another batch may be sent."""
        if self.is_suspended and time.monotonic() >= self._next_probe:
            self.is_suspended = False
        return not (self.is_suspended or self._gave_up) and time.monotonic() < self._deadline

    def deliver(self, batch: list[T]) -> None:
        """Send `batch`, retrying for as long as the sink is unreachable; give up only at exit."""
        self._splits = _MAX_SPLITS
        self._server_errors = _MAX_SERVER_ERRORS
        self._deliver(batch)

    def _deliver(self, batch: list[T]) -> None:
        if self._gave_up or self.is_suspended:  # by the first half of a batch that was split
            if self._gave_up:
                self.counts.dropped_failed += len(batch)
            else:
                self.counts.dropped_refused += len(batch)
            return
        backoff = self._initial_backoff
        while (retry_after := self._attempt(batch)) is not None:
            self.report_drops()
            if self.is_closing:
                self._deliver_at_exit(batch)
                return
            self._sleep(max(backoff, retry_after))
            backoff = min(backoff * 2, _MAX_BACKOFF)

    def report_drops(self, *, now: bool = False) -> None:
        """Log what was dropped, once a minute at most, or `now`."""
        self._drops.report(self.unauthorized_reason or self.last_error or "the queue was full", now=now)

    def note_drop(self, reason: str) -> None:
        """Keep the reason of a drop for the next report."""
        self._drops.note_reason(reason)

    def _deliver_at_exit(self, batch: list[T]) -> None:
        """Retry a few times more; if that fails, give up the rest of the queue as well."""
        for backoff in _EXIT_BACKOFFS:
            if time.monotonic() + backoff > self._deadline:
                break
            time.sleep(backoff)
            if self._attempt(batch) is None:
                return
        self.counts.dropped_failed += len(batch)
        self._gave_up = True

    def _attempt(self, batch: list[T]) -> float | None:
        """Send `batch`; return None when it is delivered or dropped, else the seconds that the sink asked to wait."""
        item_error: ItemError | None = None
        began = time.monotonic()
        try:
            self._send(batch)
        except UnauthorizedError as error:
            self._suspend(batch, error)
        except ItemError as error:
            item_error = error
        except RejectedError as error:
            self._reject(len(batch), error)
        except PartialSuccessError as error:
            self._reject(error.count, error)
            self.counts.delivered += len(batch) - error.count
            self._resume()
        except BaseException as error:  # noqa: BLE001 - no exception of a sink's client may end this thread
            if not isinstance(error, ServerError) or self._server_errors:
                self._server_errors -= isinstance(error, ServerError)
                self.last_error = f"{type(error).__name__}: {error}"
                self._outage.failed(began, self.last_error)
                return error.seconds if isinstance(error, RetryAfterError) else 0.0
            item_error = BadRequestError(f"{error} after {_MAX_SERVER_ERRORS} retries")
        else:
            self.counts.delivered += len(batch)
            self._resume()
        self._outage.ended()
        if item_error is not None:
            self._bisect(batch, item_error)
        return None

    def _reject(self, count: int, error: Exception) -> None:
        self.last_error = str(error)
        self._drops.note_reason(str(error))
        self.counts.dropped_refused += count

    def _bisect(self, batch: list[T], error: ItemError) -> None:
        """Send each half of `batch` by itself, and so on, until the item at fault is alone.

        What the sink itself rejects is split a bounded number of times, with a pause before each part: it may be the
        sink that fails, and not an item. To encode again costs no request.
        """
        was_sent = isinstance(error, RejectedError)
        if isinstance(error, SplitError):
            for part in error.parts:
                self._deliver(part)
            return
        if len(batch) == 1 or (was_sent and not self._splits):
            self._reject(len(batch), error)
            return
        self._splits -= was_sent
        half = len(batch) // 2
        for part in (batch[:half], batch[half:]):
            if was_sent:
                self._sleep(self._initial_backoff / 4)
            self._deliver(part)

    def _sleep(self, seconds: float) -> None:
        """Wait before the next attempt; a shutdown that begins meanwhile ends the wait."""
        until = time.monotonic() + seconds
        while not self.is_closing and (remaining := until - time.monotonic()) > 0:
            time.sleep(min(0.05, remaining))

    def _suspend(self, batch: list[T], error: UnauthorizedError) -> None:
        """Stop sending until the next probe, and log that once."""
        self.is_suspended = True
        self._next_probe = time.monotonic() + self._probe_interval
        if self.unauthorized_reason is None:
            self.unauthorized_reason = self.last_error = str(error)
            logger.error(
                "%s rejected our credentials; export suspended, retrying every %.0f s: %s",
                self._name,
                self._probe_interval,
                error,
            )
        self.counts.dropped_refused += len(batch)
        self._drops.delay_first()

    def _resume(self) -> None:
        self.last_error = None
        if self.unauthorized_reason is not None:
            self.unauthorized_reason = None
            logger.warning("%s accepted our credentials; export resumed", self._name)
