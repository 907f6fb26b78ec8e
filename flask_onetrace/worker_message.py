"""Report once what fails in each worker."""

from __future__ import annotations

import os
import sys
from typing import Final

APP_LOAD_ERROR: Final = 4
"""The exit code for what no restart can mend, settings or the application: gunicorn's own
(`Arbiter.APP_LOAD_ERROR`), at which its arbiter stops instead of restarting workers."""


class WorkerMessage:
    """A message on standard error, which one of several workers prints."""

    def __init__(self) -> None:
        self._token: int | None = None

    def share(self) -> None:
        """Have one process of all that are forked from here on print its message."""
        # A pipe with one byte in it: whoever reads that prints.
        self._token, write = os.pipe()
        os.write(write, b"1")
        os.set_blocking(self._token, False)

    def print(self, message: str) -> bool:
        """Print `message`; return False where another process has printed its own."""
        if self._token is not None:
            try:
                os.read(self._token, 1)
            except BlockingIOError:
                return False
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
        return True


load_error = WorkerMessage()
"""Why the application cannot be loaded."""
