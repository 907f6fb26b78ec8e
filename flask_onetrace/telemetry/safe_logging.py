"""Log from telemetry's own code: a handler or factory that raises may not end a request, a span or a thread of ours."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


sinks_handlers: Final[list[logging.Handler]] = []
"""The handler for the sinks of all apps, once there is one."""


class SafeLogger(_Adapter):
    """A logger whose calls never raise."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Log as `logging.Logger.log` does; to the sinks alone where the application's handler or factory raises."""
        error = kwargs.get("exc_info")
        if error:
            kwargs["exc_info"] = error = sys.exc_info() if error is True else (type(error), error, error.__traceback__)
        try:
            # Two frames of the adapter are between the caller and the logger.
            self.logger.log(level, msg, *args, **{"stacklevel": 3, **kwargs})
        except Exception:  # noqa: BLE001 - the application's handler, which has nowhere else to say so
            # A record factory that reads `flask.request`, for one: outside a request there is none.
            with suppress(Exception):
                if self.logger.isEnabledFor(level):
                    record = logging.LogRecord(self.logger.name, level, "", 0, msg, args, error or None)
                    for handler in sinks_handlers:
                        handler.handle(record)


def safe_logger(name: str) -> SafeLogger:
    """Return the logger of that name."""
    return SafeLogger(logging.getLogger(name), {})
