"""What gunicorn's parser and a handler read of a request: from what the main loop has received, or from the socket."""

from __future__ import annotations

import select
import time
from collections import deque
from typing import Final

from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import Unreader
from werkzeug.exceptions import BadRequest, RequestTimeout, ServiceUnavailable

from flask_onetrace.server.client_socket import ClientSocket
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.slots import Slots

_RETRY_AFTER: Final = 1
_PIECE: Final = 8 * 1024
_MIN_RECEIVE: Final = 8 * 1024
_MAX_RECEIVE: Final = 1024 * 1024


class RequestUnreader(Unreader):  # type: ignore[misc]  # gunicorn has no types
    """Give the parser what the main loop has received; receive the rest of a long body, on the request's thread.

    `deadline` is that of such a body, by the monotonic clock; None where nothing more may be received.
    """

    def __init__(self, client_socket: ClientSocket, slots: Slots, limits: Limits) -> None:
        super().__init__()
        self.pieces: deque[bytes] = deque()
        """What has been received: small pieces, as the parser copies the rest of one for each chunk of a body."""
        self._socket = client_socket
        self._slots = slots
        self._seconds = limits.body_seconds
        self.deadline: float | None = None

    @property
    def buffered(self) -> int:
        """How many bytes it holds."""
        return sum(map(len, self.pieces))

    def append(self, data: bytes) -> None:
        """Add what follows the bytes it holds."""
        self.pieces.extend(data[start : start + _PIECE] for start in range(0, len(data), _PIECE))

    def read(self, size: int | None = None, read_ahead: int | None = None) -> bytes:
        """Return `size` bytes, or fewer at the end; without `size` the next piece."""
        if size is None or size < 0:
            return self.pieces.popleft() if self.pieces else self.chunk(read_ahead)
        data = bytearray()
        while len(data) < size and (piece := self.read(None, max(size, read_ahead or 0) - len(data))):
            data += piece
        self.unread(bytes(data[size:]))
        return bytes(data[:size])

    def unread(self, data: bytes) -> None:
        """Put `data` before what it holds."""
        if data:
            self.pieces.appendleft(data)

    def take_buffered(self) -> bytes:
        """Return all that it holds."""
        data = b"".join(self.pieces)
        self.pieces.clear()
        return data

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Receive more of a long body. Raises `RequestTimeout`, and `ServiceUnavailable` if too many threads do."""
        if self.deadline is None:
            return b""
        if not self._slots.acquire():
            raise ServiceUnavailable("too many long requests are being received: retry later", retry_after=_RETRY_AFTER)
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        while (seconds := self.deadline - time.monotonic()) > 0:
            if poller.poll(seconds * 1000):
                try:
                    return self._socket.recv(max(_MIN_RECEIVE, min(size_hint or 0, _MAX_RECEIVE)))
                except BlockingIOError:
                    continue
                except OSError:
                    self._socket.aborted = "client_disconnected"
                    raise
        raise RequestTimeout(f"the request's body took longer than {self._seconds:g} s")


class RequestBody(Body):  # type: ignore[misc]  # gunicorn has no types
    """The handler's `wsgi.input`: what is wrong with the body is the client's error, and not the service's."""

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
