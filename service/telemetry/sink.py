"""Describe what a back end is to the rest of the telemetry."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor

from service.telemetry.context.request_scope import RequestScope
from service.telemetry.export.queue import Batcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One back end: what it wants to be fed, and its queue. `off_because` is None when it is on."""

    name: str
    off_because: str | None = None
    span_processor: SpanProcessor | None = None
    log_handler: logging.Handler | None = None
    log_access: Callable[[RequestScope], None] | None = None
    """Takes the access lines, which do not pass through `logging`: its records cost more than all else of a line."""
    report_exception: Callable[[BaseException], None] | None = None
    route_item: Callable[[dict[str, Any]], None] | None = None
    """Takes an error item that the back end's own SDK has built, wherever in the process it was reported."""
    queue: Batcher[Any] | None = None
    closed: Callable[[], None] | None = None
    """Told when the queue has ended."""

    @property
    def on(self) -> bool:
        """Whether anything is sent to it."""
        return self.off_because is None

    def begin_close(self, seconds: float) -> None:
        """Ask the queue to send the rest within `seconds`."""
        if self.queue is not None:
            self.queue.begin_close(seconds)

    def finish_close(self) -> bool:
        """Wait for the queue; return whether everything was delivered or dealt with."""
        dealt_with = self.queue is None or self.queue.finish_close()
        if self.closed is not None:
            self.closed()
        return dealt_with

    def detail(self) -> dict[str, Any]:
        """Return whether it is on, and what became of what it was given."""
        if not self.on:
            return {"on": False, "because": self.off_because}
        queue = self.queue
        if queue is None:
            return {"on": True}
        counts = queue.counts
        dropped = {"full": counts.dropped_full, "failed": counts.dropped_failed, "refused": counts.dropped_refused}
        figures = {"queued": queue.queued, "capacity": queue.capacity, "delivered": counts.delivered}
        said = {"quiet": queue.quiet, "last_error": queue.last_error}
        return {"on": True, **figures, "dropped": dropped, **{name: text for name, text in said.items() if text}}
