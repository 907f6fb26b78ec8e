"""Defer Ctrl-C and termination signals while a process is started and recorded."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def ignore_interrupts() -> None:
    """Let nothing interrupt a cleanup: make passes on the signal that its whole process group gets already."""
    for each in INTERRUPTS:
        signal.signal(each, signal.SIG_IGN)


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Run the block to its end, then deliver the first signal that arrived meanwhile.

    Signals are not blocked: a process started in the block would inherit the mask and ignore SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs signal handlers in the main thread only
        return
    pending: list[int] = []

    def defer(number: int, _: FrameType | None) -> None:
        pending.append(number)

    handlers = {each: signal.signal(each, defer) for each in INTERRUPTS}
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)
        if pending:
            signal.raise_signal(pending[0])
