"""Give gunicorn's parser and the handler a request from memory, from a temporary file, or from the client's socket."""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import Unreader
from werkzeug.exceptions import BadRequest, RequestTimeout

from flask_onetrace.server.client_socket import ClientSocket
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.temporary_file import Storage, TemporaryFile

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_PIECE: Final = 8 * 1024
"""Bytes of a piece in memory: the parser copies the rest of one for each chunk of a body."""
_FILE_PIECE: Final = 64 * 1024
"""Bytes of one read of the temporary file, a multiple of `_PIECE`."""
_SCARCE_BODY: Final = 64 * 1024
"""Bytes of a body in memory while memory is scarce."""
_MIN_RECEIVE: Final = 8 * 1024
_MAX_RECEIVE: Final = 1024 * 1024
"""Bytes of one `recv` by the request's thread, between which the parser's hint decides."""


class StorageFullError(Exception):
    """Neither memory nor a temporary file has room for the bytes that were received of a body."""


class RequestUnreader(Unreader):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's source of bytes: `pieces` in memory, then `file`, then the socket if the body is streamed."""

    # Class attributes, as few requests change them: an instance pays nothing for them.
    file: TemporaryFile | None = None
    is_receiving = False
    """Whether the request's thread receives the rest of the body from the socket."""
    _excess = b""
    """Bytes that were received before the thread took over, and had no room."""
    _interim = b""
    """The interim response that the client waits for."""
    _waited = 0.0
    """Seconds that the thread has waited for the client."""
    _received = 0
    """Bytes that the thread has received."""

    def __init__(self, client_socket: ClientSocket, limits: Limits, storage: Storage) -> None:
        super().__init__()
        self.pieces: deque[bytes] = deque()
        """The bytes in memory, `_PIECE` each at most."""
        self._socket = client_socket
        self._limits = limits
        self._storage = storage

    @property
    def buffered(self) -> int:
        """The number of bytes in memory."""
        return sum(map(len, self.pieces))

    def append(self, data: bytes) -> None:
        """Add bytes behind those in memory."""
        self.pieces.extend(data[start : start + _PIECE] for start in range(0, len(data), _PIECE))

    def store(self, data: bytes) -> None:
        """Add the next bytes of a body, in memory or in a temporary file. Raises `StorageFullError`."""
        size = self.buffered + len(data)
        is_long = self.file is not None or size > self._limits.body_bytes
        wants_file = is_long or (self._storage.is_memory_scarce and size > _SCARCE_BODY)
        if wants_file and self._append_to_file(data):
            return
        if is_long:
            raise StorageFullError
        pieces = self.pieces
        if pieces and len(pieces[-1]) + len(data) <= _PIECE:
            pieces[-1] += data  # a body that arrives byte by byte has few pieces, too
        else:
            self.append(data)

    def _append_to_file(self, data: bytes) -> bool:
        file = self.file or TemporaryFile(self._storage, self._limits.file_bytes)
        if not file.append(data):
            return False
        self.file = file
        return True

    def receive_rest(self, excess: bytes, interim: bytes) -> None:
        """Have the request's thread receive what follows `excess`, once it has sent the response `interim`, if any."""
        self._excess = excess
        self._interim = interim
        self.is_receiving = True

    def read(self, size: int | None = None, read_ahead: int | None = None) -> bytes:
        """Return `size` bytes, or fewer at the end; without `size` the next piece. Raises as `chunk` does."""
        if size is None or size < 0:
            return self.pieces.popleft() if self.pieces else self.chunk(read_ahead)
        data = bytearray()
        while len(data) < size and (piece := self.read(None, max(size, read_ahead or 0) - len(data))):
            data += piece
        self.unread(bytes(data[size:]))
        return bytes(data[:size])

    def unread(self, data: bytes) -> None:
        """Put `data` back, before the bytes in memory."""
        if data:
            self.pieces.appendleft(data)

    def take_buffered(self) -> bytes:
        """Remove and return the bytes in memory and in the file."""
        data = b"".join(self.pieces)
        self.pieces.clear()
        if self.file is not None:
            data += self.file.read(self.file.unread)
            self.file = None
        return data

    def drop(self) -> None:
        """Free the memory and the file."""
        self.pieces.clear()
        if self.file is not None:
            self.file.close()
            self.file = None

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next bytes that are not in memory, none at the end of the body.

        Raises `RequestTimeout` and `OSError` while the body is streamed.
        """
        if self.file is not None:
            data = self.file.read(_FILE_PIECE)
            self.pieces.extend(data[start : start + _PIECE] for start in range(_PIECE, len(data), _PIECE))
            if not self.file.unread:
                self.file = None
            return data[:_PIECE]
        if self._excess:
            data, self._excess = self._excess, b""
            return data
        return self._receive(size_hint) if self.is_receiving else b""

    def _receive(self, size_hint: int | None) -> bytes:
        """Receive more of the body. Raises `RequestTimeout` below the minimum rate, `OSError` without a client."""
        if self._interim:
            interim, self._interim = self._interim, b""
            self._socket.sendall(interim)
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        # As `Limits.next_deadline`, but without the time in which the handler did not read.
        behind = max(0.0, self._waited - self._received / self._limits.min_rate)
        start = time.monotonic()
        deadline = start + self._limits.body_seconds - behind
        while (seconds := deadline - time.monotonic()) > 0:
            if poller.poll(seconds * 1000):
                try:
                    data = self._socket.recv(max(_MIN_RECEIVE, min(size_hint or 0, _MAX_RECEIVE)))
                except BlockingIOError:
                    continue
                except OSError:
                    self._socket.aborted = "client_disconnected"
                    raise
                self._waited += time.monotonic() - start
                self._received += len(data)
                return data
        raise RequestTimeout("the request's body took too long")


class RequestBody(Body):  # type: ignore[misc]  # gunicorn has no types
    """The handler's `wsgi.input`. Reads raise `BadRequest` for a malformed or incomplete body: a 400, not a 500."""

    def _read_reader(self, size: int) -> bytes:
        reader = self.reader
        expected = min(size, reader.length) if isinstance(reader, LengthReader) else 0
        try:
            data: bytes = super()._read_reader(size)
        except (ParseException, OSError) as error:  # gunicorn's `NoMoreData` among the latter
            raise BadRequest("the request's body is malformed or incomplete") from error
        if len(data) < expected:
            self.failed = True
            raise BadRequest("the request's body is shorter than its Content-Length")
        return data


class StreamedBody(RequestBody):
    """A body that the request's thread receives as the handler reads it; `on_complete` is called at its end."""

    def __init__(self, reader: Any, on_complete: Callable[[], object]) -> None:  # noqa: ANN401 - gunicorn's type
        super().__init__(reader)
        self._on_complete = on_complete

    def _read_reader(self, size: int) -> bytes:
        data = super()._read_reader(size)
        reader = self.reader
        if reader.length == 0 if isinstance(reader, LengthReader) else reader.parser is None:
            self._on_complete()
        return data
