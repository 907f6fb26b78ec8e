"""Send batches to one sink, whatever it answers: again while it is away, never where that would not help."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from service.telemetry.export.drop_metrics import Counts, DropReport
from service.telemetry.export.errors import BusyError, PermanentError, UnauthorizedError, UnwritableError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 5.0
_LAST_PAUSES = (0.25, 0.5, 1.0)
"""Seconds before each further attempt at exit."""


class Delivery(Generic[T]):
    """What became of one sink's items, and how it does.

    While the sink fails, a batch is tried again with growing pauses, from `first_pause` seconds on. A sink that
    refuses the credentials is told no more, but for a probe every `probe_every` seconds. An item that cannot be
    written is dropped and counted by itself. Not for two threads at once.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[list[T]], None],
        *,
        probe_every: float,
        first_pause: float,
        carries_logs: bool,
    ) -> None:
        self.counts = Counts()
        self.quiet: str | None = None
        """The remedy, while the sink is told nothing."""
        self.last_error: str | None = None
        self.is_refused = False
        """Whether the sink is told nothing just now: while it is quiet, but for the probe."""
        self.is_closing = False
        self._name = name
        self._send = send
        self._probe_every = probe_every
        self._probe_at = 0.0
        self._first_pause = first_pause
        self._report = DropReport(name, self.counts, carries_logs=carries_logs)
        self._given_up = False
        self._deadline = float("inf")

    def begin_close(self, seconds: float) -> float:
        """Try no longer than `seconds` from now; return when that is by the monotonic clock."""
        self._deadline = time.monotonic() + seconds
        self.is_closing = True
        return self._deadline

    def may_go_on(self) -> bool:
        """Return whether a further batch is worth a try."""
        if self.is_refused and time.monotonic() >= self._probe_at:
            self.is_refused = False
        return not (self.is_refused or self._given_up) and time.monotonic() < self._deadline

    def deliver(self, batch: list[T]) -> None:
        """Send `batch`, however long the sink is away; give it up only at exit."""
        pause = self._first_pause
        while (asked_for := self._attempt(batch)) is not None:
            self.report()
            if self.is_closing:
                self._deliver_last(batch)
                return
            self._pause(max(pause, asked_for))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def report(self, *, now: bool = False) -> None:
        """Say what has been dropped, once a minute at most, or `now`."""
        self._report.say(self.quiet or self.last_error or "the queue was full", now=now)

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
        self.deliver(batch[:half])
        self.deliver(batch[half:])

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; a shutdown that begins meanwhile cuts the wait short."""
        until = time.monotonic() + seconds
        while not self.is_closing and (left := until - time.monotonic()) > 0:
            time.sleep(min(0.05, left))

    def _fall_silent(self, batch: list[T], error: UnauthorizedError) -> None:
        """Tell the sink nothing more, and say so once."""
        self.is_refused = True
        self._probe_at = time.monotonic() + self._probe_every
        if self.quiet is None:
            self.quiet = self.last_error = str(error)
            logger.error("%s takes nothing with these credentials, and is told nothing more: %s", self._name, error)
        self.counts.dropped_refused += len(batch)
        self._report.said()

    def _speak_again(self) -> None:
        self.last_error = None
        if self.quiet is not None:
            self.quiet = None
            logger.warning("%s takes what it is sent again", self._name)
