"""Write to standard error without waiting for a reader that does not read, as of a full pipe or a stopped terminal."""

from __future__ import annotations

import io
import os
import select
import sys
import time
from contextlib import suppress
from typing import TextIO


def write(data: bytes, seconds: float = 0.0, stream: TextIO | None = None) -> int:
    """Write `data` as far as the reader takes it within `seconds`; return how many bytes. Raises `OSError` if closed.

    `stream` is standard error by default. Straight to the file descriptor: a thread that hung in `sys.stderr` would
    keep its lock, at exit too.
    """
    stream = stream or sys.stderr
    descriptor = _descriptor(stream)
    if descriptor is None:
        return _write_text(data, stream)
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    deadline = time.monotonic() + seconds
    view, written = memoryview(data), 0
    while written < len(data) and poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        # A pipe that polls as writable takes this much at once. Whole lines, between which others may write theirs.
        end = written + select.PIPE_BUF
        end = data.rfind(b"\n", written, end) + 1 or end
        with suppress(BlockingIOError):
            written += os.write(descriptor, view[written:end])
    return written


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
