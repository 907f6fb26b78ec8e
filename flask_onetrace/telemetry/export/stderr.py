"""Write to standard error without waiting for a reader that does not read, as of a full pipe or a stopped terminal."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


def write(data: bytes, seconds: float = 0.0, stream: TextIO | None = None) -> int:
    """Write `data` as far as the reader takes it within `seconds`; return how many bytes. Raises `OSError` if closed.

    `stream` is standard error by default. Straight to the file descriptor: a thread that hung in `sys.stderr` would
    keep its lock, at exit too.
    """
    stream = stream or _standard_error()
    descriptor = _descriptor(stream)
    if descriptor is None:
        return _write_text(data, stream)
    with _never_blocking(descriptor) as target:
        poll = select.poll()
        poll.register(target, select.POLLOUT)
        deadline = time.monotonic() + seconds
        view, written = memoryview(data), 0
        while written < len(data) and poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            # A pipe that polls as writable takes this much at once. Whole lines, between which others may write theirs.
            end = written + select.PIPE_BUF
            end = data.rfind(b"\n", written, end) + 1 or end
            with suppress(BlockingIOError):
                written += os.write(target, view[written:end])
    return written


def _standard_error() -> TextIO:
    """Return `sys.stderr`, or the process's own where an object that logs has replaced it, as in a Celery worker.

    What is written there would come back as log lines.
    """
    stream = sys.stderr
    return stream if isinstance(stream, io.TextIOBase) or sys.__stderr__ is None else sys.__stderr__


@contextmanager
def _never_blocking(descriptor: int) -> Iterator[int]:
    """Open a pipe or terminal once more, so that a write fails where another writer was faster since the poll.

    `O_NONBLOCK` on `descriptor` itself would hold for all processes that share it. Where it cannot be opened, as on
    other systems than Linux, or as another user's, such a write waits for the reader.
    """
    own: int | None = None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):  # a file opened again would have a position of its own
        with suppress(OSError):
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        yield descriptor if own is None else own
    finally:
        if own is not None:
            os.close(own)


def _descriptor(stream: TextIO) -> int | None:
    """Return the file descriptor; None where the stream is an object without one, or closed."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _write_text(data: bytes, stream: TextIO) -> int:
    try:
        stream.write(data.decode())
        stream.flush()
    except (AttributeError, ValueError) as error:  # None, or closed
        raise OSError("standard error is closed") from error
    return len(data)


def never_block() -> None:
    """Have every writer of the process drop what the reader of standard error does not take at once. Idempotent."""
    if sys.stderr is not None and not isinstance(sys.stderr, NonBlockingStream):
        sys.stderr = NonBlockingStream(sys.stderr)


class NonBlockingStream(io.TextIOBase):
    """A replacement for `sys.stderr` that drops what its reader does not take at once.

    Every writer of the process has it: servers, `logging`'s own errors, warnings, `print`.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.dropped = 0
        """How many calls of `write` lost something."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute
        """The encoding of the stream."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Return the stream's file descriptor."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write what is taken at once. Never raises, never waits."""
        data = text.encode("utf-8", "backslashreplace")
        written = 0
        with suppress(OSError):
            written = write(data, stream=self._stream)
        self.dropped += written < len(data)
        return len(text)
