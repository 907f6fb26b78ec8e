"""Fake servers of a sink on 127.0.0.1, whose failure mode can be switched while they run.

They implement just enough of each sink's protocol to count the items received: spans, log events, error items.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from contextlib import suppress
from enum import StrEnum
from typing import Any

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SLOW_RESPONSE = b"HTTP/1.1 200 OK\r\n" + b"x-drip: drop\r\n" * 1000
_IDLE_TIMEOUT = 60.0
_BACKLOG = 64
_POLL_INTERVAL = 0.1


class Mode(StrEnum):
    """How a server responds."""

    LIVE = "live"
    REFUSED = "refused"
    HANG = "accepts and hangs"
    DRIP = "slow drip"
    THROTTLED = "429 / throttling"
    UNAVAILABLE = "503"
    RESET = "connection reset"
    UNAUTHORIZED = "401 / access denied"


class FakeSink:
    """A TCP server; `received` counts the items of requests that it answered with success.

    With `keeps_bodies`, `exchanges` holds the path, headers and decompressed body of each of them.
    """

    delay = 0.0
    """Seconds that it takes to respond while it is live."""

    def __init__(self, *, keeps_bodies: bool = False) -> None:
        self.received = 0
        self.exchanges: list[tuple[str, dict[str, str], bytes]] | None = [] if keeps_bodies else None
        self.requests = 0
        self._mode = Mode.LIVE
        self._lock = threading.Lock()
        self._streams: set[str] = set()
        self._open: set[socket.socket] = set()
        self._closed = threading.Event()
        self._listener = self._bind(0)
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    @property
    def mode(self) -> Mode:
        """How it responds now."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if mode is Mode.REFUSED and before is not Mode.REFUSED:
            self._accepting.join()
            self._listener.close()
            # Bound, so that no outgoing connection takes the port, but not listening: connections are refused.
            self._listener = self._bind(self.port)
        elif before is Mode.REFUSED and mode is not Mode.REFUSED:
            self._listen()
        with self._lock:
            for connection in self._open:  # open connections must see the new mode
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it and all of its connections."""
        self._closed.set()
        self.mode = Mode.REFUSED
        self._listener.close()

    @staticmethod
    def _bind(port: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.settimeout(_POLL_INTERVAL)
        return listener

    def _listen(self) -> None:
        self._listener.listen(_BACKLOG)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while self._mode is not Mode.REFUSED:
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(_IDLE_TIMEOUT)
        with self._lock:
            self._open.add(connection)
        try:
            with connection, suppress(OSError), connection.makefile("rb") as lines:
                while (request := _read_request(lines)) is not None and self._respond(connection, *request):
                    pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _respond(self, connection: socket.socket, path: str, headers: dict[str, str], body: bytes) -> bool:
        """Respond to one request according to the mode; return whether the connection stays open."""
        self.requests += 1
        mode = self._mode
        if mode is Mode.HANG:
            self._every_second(mode, lambda: None)
            return False
        if mode is Mode.DRIP:
            trickle = iter(_SLOW_RESPONSE)
            self._every_second(mode, lambda: connection.sendall(bytes([next(trickle)])))
            return False
        if mode in {Mode.RESET, Mode.REFUSED}:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            return False
        status, content, more_headers = self._response(mode, path, headers, body)
        length = f"content-length: {len(content)}\r\n"
        head = f"HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n{length}{more_headers}\r\n"
        connection.sendall(head.encode() + content)
        return True

    def _every_second(self, mode: Mode, action: Any) -> None:  # noqa: ANN401 - anything that is called
        """Call `action` once a second until the mode changes."""
        while self._mode is mode and not self._closed.wait(0.05):
            if time.monotonic() % 1 < 0.05:
                action()

    def _response(self, mode: Mode, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, str]:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if mode is Mode.THROTTLED:
            return (400, _error("ThrottlingException"), "") if action else (429, b"{}", "retry-after: 1\r\n")
        if mode is Mode.UNAVAILABLE:
            return 503, b"{}", ""
        if mode is Mode.UNAUTHORIZED:
            return (400, _error("AccessDeniedException"), "") if action else (401, b"{}", "")
        body = _decompressed(headers, body)
        document = _parse(headers, body)
        if action == "PutLogEvents" and document["logStreamName"] not in self._streams:
            return 400, _error("ResourceNotFoundException"), ""
        if action == "CreateLogStream":
            self._streams.add(document["logStreamName"])
        with self._lock:
            self.received += _items(path, action, document)
        if self.exchanges is not None:
            self.exchanges.append((path, headers, body))
        time.sleep(self.delay)
        return 200, _success(path), ""


def _read_request(lines: Any) -> tuple[str, dict[str, str], bytes] | None:  # noqa: ANN401 - a buffered reader
    """Return the path, headers and body of one request; None at the end of the connection."""
    first = lines.readline().split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while line := lines.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return first[1].decode(), headers, lines.read(int(headers.get("content-length", 0)))


def _decompressed(headers: dict[str, str], body: bytes) -> bytes:
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def _parse(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    if headers.get("content-type") == "application/x-protobuf":
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: PLC0415 - only the tutorial's exporter sends it

        request = ExportTraceServiceRequest.FromString(body)
        spans: list[dict[str, Any]] = [
            {} for resource in request.resource_spans for scope in resource.scope_spans for _ in scope.spans
        ]
        return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    document: dict[str, Any] = json.loads(body or b"{}")
    return document


def _items(path: str, action: str, document: dict[str, Any]) -> int:
    if action == "PutLogEvents":
        return len(document["logEvents"])
    if path == "/v1/traces":
        scopes = (scope for resource in document["resourceSpans"] for scope in resource["scopeSpans"])
        return sum(len(scope["spans"]) for scope in scopes)
    return 1 if path.endswith("/item/") else 0


def _success(path: str) -> bytes:
    if path == "/GetSamplingRules":
        return b'{"SamplingRuleRecords":[]}'
    if path == "/SamplingTargets":
        return b'{"SamplingTargetDocuments":[],"LastRuleModification":0,"UnprocessedStatistics":[]}'
    return b"{}"


def _error(name: str) -> bytes:
    return json.dumps({"__type": name, "message": "simulated"}).encode()
