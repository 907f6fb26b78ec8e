"""Receive one connection's requests without blocking: each is handed to a thread once it is complete."""

from __future__ import annotations

import time
from enum import Enum
from typing import Any, Final

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn.http.parser import RequestParser
from werkzeug.exceptions import BadRequest

from flask_onetrace.server.chunked import BoundedChunkedReader, ChunkScanner
from flask_onetrace.server.client_socket import ClientSocket
from flask_onetrace.server.limits import Limits
from flask_onetrace.server.request_body import RequestBody, RequestUnreader
from flask_onetrace.server.slots import Slots

_MAX_RECEIVE: Final = 1024 * 1024


class Phase(Enum):
    """What a connection waits for in the main loop."""

    IDLE = "idle"
    """A request's first byte."""
    HEAD = "head"
    BODY = "body"
    FLUSH = "flush"
    """The client, to read its response."""
    LINGER = "linger"
    """The client, to close what the service has half-closed."""


HOLDING_A_REQUEST: Final = frozenset({Phase.HEAD, Phase.BODY, Phase.FLUSH})
RECEIVING: Final = frozenset({Phase.IDLE, Phase.HEAD, Phase.BODY})


class Connection:
    """A client's connection, and the request that it is sending or is being served."""

    def __init__(
        self,
        cfg: Any,  # noqa: ANN401 - gunicorn's type
        client_socket: ClientSocket,
        addresses: tuple[Any, Any],
        *,
        slots: Slots,
        limits: Limits,
    ) -> None:
        self.sock = client_socket
        self.client, self.server = addresses
        self.phase: Phase | None = None
        """None while a thread serves its request."""
        self.deadline = 0.0
        self.since = 0.0
        """When the phase began, as `deadline` by the monotonic clock."""
        self.request: Any = None
        """gunicorn's request, once its headers have been parsed."""
        self.sent = 0
        """Bytes of the response that the main loop has sent."""
        self.has_begun = False
        """Whether a thread has begun to serve the request."""
        self.keep_after_flush: bool | None = None
        """Whether to keep the connection once the backlog is sent; None while the response is being written."""
        self.unreader = RequestUnreader(client_socket, slots, limits)
        self._parser = RequestParser(cfg, client_socket, self.client)
        self._parser.unreader = self.unreader
        self._limits = limits
        self._head = bytearray()
        self._scanner: ChunkScanner | None = None
        self._head_size = 0
        self._missing = 0
        self._body_deadline = 0.0

    @property
    def received(self) -> int:
        """How many bytes of its request it holds."""
        return len(self._head) + self._head_size + self.unreader.buffered

    def receive(self, data: bytes) -> bool:
        """Take the next bytes, none at the stream's end; return whether its request is complete.

        gunicorn's own parser decides where headers and bodies end, and what is malformed: this only waits until it
        needs to wait for nothing. Raises gunicorn's `ParseException` and `NoMoreData`, and `StopIteration`.
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
        """Parse the headers. Where they are incomplete, the parser rejects them, or asks for more than there is."""
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
            self._missing = reader.length - self.unreader.buffered
        else:
            reader = BoundedChunkedReader(request, self.unreader)
            self._scanner = ChunkScanner()
            for piece in self.unreader.pieces:
                self._scanner.feed(piece)
        request.body = RequestBody(reader)
        self._body_deadline = time.monotonic() + self._limits.body_seconds
        return self._is_complete() or self._invite_body()

    def _receive_body(self, data: bytes) -> bool:
        self.unreader.append(data)
        if self._scanner is not None:
            self._scanner.feed(data)
        else:
            self._missing -= len(data)
        if not data:
            # The body will never be complete: the handler's first read says so.
            self.request.force_close()
            return True
        return self._is_complete()

    def _is_complete(self) -> bool:
        """Return whether a thread can take the request: its body has arrived, or is too long to be held."""
        scanner = self._scanner
        if scanner.is_finished if scanner is not None else self._missing <= 0:
            return True
        is_long = self.unreader.buffered + self._missing > self._limits.body_bytes
        if is_long or (scanner is not None and scanner.is_malformed):
            # Announced to the client: what it has not sent when it gets the response is not read.
            self.request.force_close()
            if is_long:
                self.unreader.deadline = self._body_deadline
            return True
        return False

    def _invite_body(self) -> bool:
        """Have a client that waits for permission send its body."""
        if self.request._expected_100_continue:  # gunicorn has no public name for it
            self.request._expected_100_continue = False
            self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return False

    def next_request(self) -> bytes:
        """Forget the request that was served, and return what has arrived of the next one."""
        self.request = self._scanner = self.keep_after_flush = None
        self.sent = self._head_size = 0
        self.has_begun = False
        rest: bytes = self.unreader.take_buffered()
        return rest

    def forget_request(self) -> None:
        """Free what has arrived of a request that will not be served."""
        self._head.clear()
        self._head_size = 0
        self.unreader.pieces.clear()

    def discard_body(self) -> bool:
        """Skip what the handler has not read of a complete body; return whether the next request can follow."""
        if self.unreader.deadline is not None:
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
