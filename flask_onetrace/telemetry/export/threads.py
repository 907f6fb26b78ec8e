"""Name the threads that telemetry starts, and recognise those that export."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import Context

_PREFIX = "telemetry-"


class _Local(threading.local):
    exports = False


_current_thread = _Local()


class _BackgroundThread(threading.Thread):
    """A thread that starts in an empty context: one that instruments threads would have it keep a request's scope."""

    def start(self) -> None:
        """Start the thread."""
        Context().run(super().start)


def new_thread(name: str, run: Callable[[], object]) -> threading.Thread:
    """Return a thread that does not keep the process alive. It is not started."""
    return _BackgroundThread(target=run, name=f"{_PREFIX}{name}", daemon=True)


def mark_export_thread() -> None:
    """Note that the calling thread exports."""
    _current_thread.exports = True


def is_export_thread() -> bool:
    """Return whether the calling thread exports."""
    return _current_thread.exports
