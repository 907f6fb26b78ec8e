"""Allow one `up` or `down` at a time per state folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.errors import OperatorError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the file lock, which the kernel releases after a crash. Raises `OperatorError` if another process has it."""
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
