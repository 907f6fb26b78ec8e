"""Let one `up` or `down` at a time touch a state folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.workspace.errors import LocalError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock; raises `LocalError` at once when another process holds it. The system frees it after a crash."""
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise LocalError(
                f"Another make up or make down is at work in {path.parent} (process {holder})",
                "Wait until it ends, or end it with Ctrl-C",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
