"""Receive the requests of one connection without blocking, each until it is complete or is streamed to its thread."""

from __future__ import annotations

import contextlib
from enum import Enum
from functools import partial
from typing import Any, Final

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn.http.parser import RequestParser
from werkzeug.exceptions import BadRequest

from flask_onetrace.server.chunked import ChunkScanner
from flask_onetrace.server.client_socket import ClientSocket
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.request_body import CONTINUE, RequestBody, RequestUnreader, StreamedBody
from flask_onetrace.server.temporary_file import Storage

_MAX_RECEIVE: Final = 1024 * 1024
_MAX_DISCARDED: Final = 64 * 1024
"""Bytes of a body that are read only to keep the connection, as gunicorn does."""


class Phase(Enum):
    """What a connection in the main loop waits for its client to do."""

    IDLE = "idle"
    """Send the first byte of a request."""
    HEAD = "head"
    """Send the rest of the request line and headers."""
    BODY = "body"
    """Send the rest of the body."""
    FLUSH = "flush"
    """Read the response."""
    LINGER = "linger"
    """Close the connection, which the service has half-closed."""


BUFFERING_PHASES: Final = (Phase.HEAD, Phase.BODY, Phase.FLUSH)
"""Those in which a connection holds bytes of a request or a response."""
RECEIVING_PHASES: Final = frozenset({Phase.IDLE, Phase.HEAD, Phase.BODY})


class Connection:
    """A client's connection, and the request that it is sending or is being served."""

    def __init__(
        self,
        cfg: Any,  # noqa: ANN401 - gunicorn's type
        client_socket: ClientSocket,
        addresses: tuple[Any, Any],
        *,
        limits: Limits,
        storage: Storage,
    ) -> None:
        self.sock = client_socket
        self.client, self.server = addresses
        self.phase: Phase | None = None
        """None while a thread serves its request."""
        self.deadline = 0.0
        self.since = 0.0
        """When the phase began, in seconds of `time.monotonic`, as `deadline` is."""
        self.request: Any = None
        """gunicorn's request, once its headers have been parsed."""
        self.transferred = 0
        """Bytes of the body that the client has sent, or of the backlog that it has read."""
        self.has_begun = False
        """Whether a thread has begun to serve the request."""
        self.keep_after_flush: bool | None = None
        """Whether to keep the connection once the backlog is sent; None while the response is being written."""
        self.unreader = RequestUnreader(client_socket, limits, storage)
        self._parser = RequestParser(cfg, client_socket, self.client)
        self._parser.unreader = self.unreader
        self._limits = limits
        self._head = bytearray()
        self._scanner: ChunkScanner | None = None
        self._head_size = 0
        self._remaining = 0

    @property
    def received(self) -> int:
        """The bytes of the request in memory."""
        return len(self._head) + self._head_size + self.unreader.buffered

    def receive(self, data: bytes) -> bool:
        """Add the next bytes, none at the end of the stream; return whether the request is complete.

        gunicorn's parser decides where headers and bodies end, and what is malformed; it is called once it need not
        wait for the client. Raises gunicorn's `ParseException` and `NoMoreData`, `StopIteration` at the end of the last
        request, and `StorageFullError`.
        """
        if self.request is not None:
            return self._receive_body(data)
        head = self._head
        searched = max(0, len(head) - 3)
        head += data
        end = head.find(b"\r\n\r\n", searched)
        if end > self._limits.head_bytes:
            raise LimitRequestHeaders(f"over {self._limits.head_bytes} bytes")
        if end >= 0 or not data or len(head) > self._limits.head_bytes or _has_bare_lf(head, data):
            return self._parse()
        return False

    def _parse(self) -> bool:
        """Parse the headers; return whether the request is complete. The parser rejects incomplete headers."""
        head, self._head = self._head, bytearray()
        self.unreader.append(bytes(head))
        try:
            request = self.request = next(self._parser)
        except NoMoreData:
            if len(head) <= self._limits.head_bytes:
                raise
            raise LimitRequestHeaders(f"over {self._limits.head_bytes} bytes") from None
        self._head_size = len(head) - self.unreader.buffered
        reader = request.body.reader
        if isinstance(reader, LengthReader):
            if reader.length == 0:
                return True
            self._remaining = reader.length - self.unreader.buffered
        else:
            self._remaining = 0
            self._scanner = ChunkScanner()
            for piece in self.unreader.pieces:
                self._scanner.feed(piece)
        request.body = RequestBody(reader)
        self.transferred = self.unreader.buffered
        return self._is_complete()

    def _receive_body(self, data: bytes) -> bool:
        self.unreader.store(data)
        self.transferred += len(data)
        if self._scanner is not None:
            self._scanner.feed(data)
        else:
            self._remaining -= len(data)
        if not data:
            # The body will never be complete: the handler's first read says so.
            self.request.force_close()
            return True
        return self._is_complete()

    def _is_complete(self) -> bool:
        """Return whether the body has arrived, or is malformed: then the handler's read raises `BadRequest`."""
        scanner = self._scanner
        if scanner is None:
            return self._remaining <= 0
        if scanner.is_malformed:
            self.request.force_close()
        return scanner.is_finished or scanner.is_malformed

    def is_longer_than(self, size: int) -> bool:
        """Return whether the body is longer than `size` bytes, as far as is known of an incomplete one."""
        return self.transferred + self._remaining > size

    def send_continue(self) -> None:
        """Send 100 Continue if the client expects it (RFC 9110, section 10.1.1)."""
        if interim := self._take_interim_response():
            with contextlib.suppress(OSError):  # the next read says so
                self.sock.send(interim)

    def stream_rest(self, excess: bytes = b"") -> None:
        """Have the request's thread receive the rest of the body, after the bytes `excess`, as the handler reads it."""
        # `Connection: close`, unless the body has arrived by then: a client need not send the rest after its response.
        self.request.body = StreamedBody(self.request.body.reader, partial(self._complete, self.request.must_close))
        self.request.force_close()
        self.unreader.receive_rest(excess, self._take_interim_response())

    def _complete(self, must_close: bool) -> None:  # noqa: FBT001 - gunicorn's own flag
        """Keep the connection open: the whole body has arrived."""
        if not self.sock.response.headers_sent:
            self.request.must_close = must_close
            self.unreader.is_receiving = False

    def _take_interim_response(self) -> bytes:
        is_expected = self.request._expected_100_continue  # gunicorn has no public name for it
        self.request._expected_100_continue = False
        return CONTINUE if is_expected else b""

    def next_request(self) -> bytes:
        """Forget the request that was served, and return what has arrived of the next one."""
        self.request = self._scanner = self.keep_after_flush = None
        self._head_size = 0
        self.has_begun = False
        rest: bytes = self.unreader.take_buffered()
        return rest

    def free(self) -> None:
        """Free the memory and files of the request and of its response."""
        self._head.clear()
        self._head_size = 0
        self.unreader.drop()
        self.sock.drop_backlog()

    @property
    def has_file(self) -> bool:
        """Whether its request or its response has a temporary file."""
        return self.unreader.file is not None or self.sock.file is not None

    def discard_body(self) -> bool:
        """Skip the part of a complete body that the handler has not read; return whether to keep the connection."""
        unreader = self.unreader
        if unreader.is_receiving or (unreader.file is not None and unreader.file.unread > _MAX_DISCARDED):
            return False
        try:
            while self.request.body.read(_MAX_RECEIVE):
                pass
        except BadRequest:
            return False
        return True


def _has_bare_lf(head: bytearray, data: bytes) -> bool:
    """Return whether a line of an incomplete head does not end with CRLF, which the parser rejects at once."""
    new = len(head) - len(data)
    split_crlf = head[max(0, new - 1) : new + 1] == b"\r\n"
    return head.count(b"\n", new) - split_crlf > head.count(b"\r\n", new)
