"""Queue the records of a log handler."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from flask_onetrace.telemetry.log_lines import capture
from flask_onetrace.telemetry.plain import ends_process

if TYPE_CHECKING:
    from flask_onetrace.telemetry.export.queue import ExportQueue


class RecordQueueing(logging.Handler):
    """A handler that captures records on the caller's thread, and leaves all else to the thread of `queue`."""

    queue: ExportQueue[Any]

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record, without a lock: the queue needs none. Never blocks, never raises."""
        try:
            self.queue.put(capture(record))
        except BaseException as error:  # logging's own rule: a log call must not fail its caller
            if ends_process(error):
                raise
            # Not `handleError`: it writes to standard error, which may block.
            self.queue.reject(error)
        return True
