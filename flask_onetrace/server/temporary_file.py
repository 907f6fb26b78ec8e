"""Buffer request bodies and unread responses in unlinked temporary files, as nginx does."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import IO


class Storage:
    """The disk quota of a worker's temporary files, and whether its connections are short of memory. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self.is_memory_scarce = False
        """Whether to keep as little as possible in memory."""
        self.is_exhausted = False
        """Whether the last reservation failed, and none has been released since."""
        self._free = max_bytes
        self._lock = threading.Lock()

    def reserve(self, size: int) -> bool:
        """Reserve `size` bytes; return False, and reserve none, if that would exceed the quota."""
        with self._lock:
            self.is_exhausted = size > self._free
            if not self.is_exhausted:
                self._free -= size
            return not self.is_exhausted

    def release(self, size: int) -> None:
        """Return `size` reserved bytes."""
        with self._lock:
            self._free += size
            self.is_exhausted = False


class TemporaryFile:
    """A FIFO queue of bytes in a file that is a ring buffer: it never grows beyond `max_bytes`."""

    __slots__ = ("_file", "_max_bytes", "_read", "_storage", "_written")

    def __init__(self, storage: Storage, max_bytes: int) -> None:
        self._storage = storage
        self._max_bytes = max_bytes
        self._file: IO[bytes] | None = None
        self._read = self._written = 0

    @property
    def unread(self) -> int:
        """The number of bytes in the queue."""
        return self._written - self._read

    def append(self, data: bytes | memoryview) -> bool:
        """Append all of `data`; return False, and append none, without room, quota, or a directory for such files."""
        growth = min(self._written + len(data), self._max_bytes) - min(self._written, self._max_bytes)
        if self.unread + len(data) > self._max_bytes or not self._storage.reserve(growth):
            return False
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed once it has been read
            self._write(self._file.fileno(), memoryview(data))
        except OSError:  # also those of a full disk, and a read-only root file system
            self._storage.release(growth)
            return False
        self._written += len(data)
        return True

    def _write(self, descriptor: int, data: memoryview) -> None:
        position = self._written
        while data:
            offset = position % self._max_bytes
            count = os.pwrite(descriptor, data[: self._max_bytes - offset], offset)
            data = data[count:]
            position += count

    def read(self, size: int) -> bytes:
        """Remove and return the next bytes, `size` at most, and none only if the queue is empty."""
        if self._file is None:
            return b""
        offset = self._read % self._max_bytes
        data = os.pread(self._file.fileno(), min(size, self.unread, self._max_bytes - offset), offset)
        self._read += len(data)
        if self._read == self._written:
            self.close()
        return data

    def close(self) -> None:
        """Delete the file and release its quota. The queue is empty then, and can be used again."""
        if self._file is not None:
            self._file.close()
            self._storage.release(min(self._written, self._max_bytes))
        self._file = None
        self._read = self._written = 0

    def __del__(self) -> None:
        """Release the quota of a queue that nobody has read to its end."""
        self.close()
