"""Allow one `up` or `down` at a time per state folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from operations.errors import OperatorError

ATTEMPTS: Final = 3
"""`holder` has the lock for a moment too."""
RETRY_SECONDS: Final = 0.05


def holder(path: Path) -> str | None:
    """Return the process id of the `up` or `down` that holds the lock; None where none does."""
    try:
        with path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
    except FileNotFoundError:
        pass
    return None


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the file lock, which the kernel releases after a crash. Raises `OperatorError` if another process has it."""
    with path.open("a+", encoding="utf-8") as file:
        try:
            _lock(file)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise OperatorError(
                f"Another make up or make down is running in {path.parent} (process {holder})",
                "Wait until it ends, or stop it with Ctrl-C",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: TextIO) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return
