"""Log from telemetry's own code: a log handler that raises may not end a request, a span or a thread of ours."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class SafeLogger(_Adapter):
    """A logger whose calls never raise."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Log as `logging.Logger.log` does."""
        # An application's handler has nowhere else to say that it failed.
        with suppress(Exception):
            # Two frames of the adapter are between the caller and the logger.
            self.logger.log(level, msg, *args, **{"stacklevel": 3, **kwargs})


def safe_logger(name: str) -> SafeLogger:
    """Return the logger of that name."""
    return SafeLogger(logging.getLogger(name), {})
