"""Queue the records of a log handler."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from service.telemetry.log_lines import capture

if TYPE_CHECKING:
    from service.telemetry.export.queue import ExportQueue


class RecordQueueing(logging.Handler):
    """A handler that captures records on the caller's thread, and leaves all else to the thread of `queue`."""

    queue: ExportQueue[Any]

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record, without a lock: the queue needs none. Never blocks, never raises."""
        try:
            self.queue.put(capture(record))
        except Exception as error:  # noqa: BLE001 - logging's own rule: a log call must not fail its caller
            # Not `handleError`: it writes to standard error, which may block.
            self.queue.reject(error)
        return True
