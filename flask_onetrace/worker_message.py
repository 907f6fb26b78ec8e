"""Print once what fails in each worker."""

from __future__ import annotations

import os
import sys


class MessageOfOneWorker:
    """A message on standard error by the first process that has one, of those forked after this was created."""

    def __init__(self) -> None:
        # A pipe with one byte in it: whoever reads that prints.
        self._token, write = os.pipe()
        os.write(write, b"1")
        os.set_blocking(self._token, False)

    def print(self, message: str) -> None:
        """Print `message`, unless another process has printed one."""
        try:
            os.read(self._token, 1)
        except BlockingIOError:
            return
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


load_error = MessageOfOneWorker()
"""Why the application cannot be loaded. gunicorn's configuration imports it before there are workers."""
