"""Name the threads that telemetry starts, and recognise those that export."""

from __future__ import annotations

import threading
from collections.abc import Callable

_PREFIX = "telemetry-"


class _Thread(threading.local):
    exports = False


_current_thread = _Thread()


def new_thread(name: str, run: Callable[[], object]) -> threading.Thread:
    """Return a thread that does not keep the process alive. It is not started."""
    return threading.Thread(target=run, name=f"{_PREFIX}{name}", daemon=True)


def mark_export_thread() -> None:
    """Note that the calling thread exports."""
    _current_thread.exports = True


def is_export_thread() -> bool:
    """Return whether the calling thread exports."""
    return _current_thread.exports
