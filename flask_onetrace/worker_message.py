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
        self._write = -1

    def share(self) -> None:
        """Have one process of all that are forked from here on print its message; again after a reload of gunicorn."""
        # A pipe with one byte in it: whoever reads that prints.
        if self._token is None:
            self._token, self._write = os.pipe()
            os.set_blocking(self._token, False)
        self._is_first()
        os.write(self._write, b"1")

    def print(self, message: str) -> bool:
        """Print `message`; return False where another process has printed its own."""
        if not self._is_first():
            return False
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
        return True

    def _is_first(self) -> bool:
        if self._token is None:
            return True
        try:
            return bool(os.read(self._token, 1))
        except BlockingIOError:
            return False


load_error = WorkerMessage()
"""Why the application cannot be loaded."""
