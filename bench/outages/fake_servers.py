"""Stand for one sink on 127.0.0.1, over real sockets, and fail in the ways in which a sink can, switched while it runs.

It speaks just enough of each sink's protocol to count what it was given and took: spans, log events, error items, and,
over UDP, segments with their subsegments.
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

_LINGER_AND_RESET = struct.pack("ii", 1, 0)
_DRIP = b"HTTP/1.1 200 OK\r\n" + b"x-drip: drop\r\n" * 1000
_SILENCE = 60.0
_BACKLOG = 64
_BUFFER = 4 * 1024 * 1024
_TURN = 0.1


class Mode(StrEnum):
    """How it answers."""

    LIVE = "live"
    REFUSED = "refused"
    HANG = "accepts and hangs"
    DRIP = "slow drip"
    THROTTLED = "429 / throttling"
    UNAVAILABLE = "503"
    RESET = "connection reset"
    UNAUTHORIZED = "401 / access denied"


class FaultServer:
    """One TCP port that is a sink's end; `taken` counts the items that it answered with success."""

    def __init__(self) -> None:
        self.taken = 0
        self.requests = 0
        self._mode = Mode.LIVE
        self._lock = threading.Lock()
        self._streams: set[str] = set()
        self._open: set[socket.socket] = set()
        self._ended = threading.Event()
        self._listener = self._bound(0)
        self.port: int = self._listener.getsockname()[1]
        self._begin()

    @property
    def mode(self) -> Mode:
        """How it answers now."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if mode is Mode.REFUSED and before is not Mode.REFUSED:
            self._accepting.join()
            self._listener.close()
            # Bound, so that nobody's outgoing connection takes the number, but not listening: it refuses.
            self._listener = self._bound(self.port)
        elif before is Mode.REFUSED and mode is not Mode.REFUSED:
            self._begin()
        with self._lock:
            for connection in self._open:  # whoever is connected is to meet the new mode
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it and all of its connections."""
        self._ended.set()
        self.mode = Mode.REFUSED
        self._listener.close()

    @staticmethod
    def _bound(port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.settimeout(_TURN)
        return made

    def _begin(self) -> None:
        self._listener.listen(_BACKLOG)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while self._mode is not Mode.REFUSED:
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(_SILENCE)
        with self._lock:
            self._open.add(connection)
        try:
            with connection, suppress(OSError), connection.makefile("rb") as lines:
                while (request := _read(lines)) is not None and self._answer(connection, *request):
                    pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _answer(self, connection: socket.socket, path: str, headers: dict[str, str], body: bytes) -> bool:
        """Answer one request as the mode has it; return whether the connection goes on."""
        self.requests += 1
        mode = self._mode
        if mode is Mode.HANG:
            self._while(mode, lambda: None)
            return False
        if mode is Mode.DRIP:
            drops = iter(_DRIP)
            self._while(mode, lambda: connection.sendall(bytes([next(drops)])))
            return False
        if mode in {Mode.RESET, Mode.REFUSED}:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_RESET)
            return False
        status, answer, more = self._said(mode, path, headers, body)
        head = (
            f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n{more}\r\n"
        )
        connection.sendall(head.encode() + answer)
        return True

    def _while(self, mode: Mode, act: Any) -> None:  # noqa: ANN401 - anything that is called
        """Act once a second as long as the mode lasts."""
        while self._mode is mode and not self._ended.wait(0.05):
            if time.monotonic() % 1 < 0.05:
                act()

    def _said(self, mode: Mode, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, str]:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if mode is Mode.THROTTLED:
            return (400, _error("ThrottlingException"), "") if action else (429, b"{}", "retry-after: 1\r\n")
        if mode is Mode.UNAVAILABLE:
            return 503, b"{}", ""
        if mode is Mode.UNAUTHORIZED:
            return (400, _error("AccessDeniedException"), "") if action else (401, b"{}", "")
        document = _document(headers, body)
        if action == "PutLogEvents" and document["logStreamName"] not in self._streams:
            return 400, _error("ResourceNotFoundException"), ""
        if action == "CreateLogStream":
            self._streams.add(document["logStreamName"])
        with self._lock:
            self.taken += _items(path, action, document)
        return 200, _fine(path), ""


def _read(lines: Any) -> tuple[str, dict[str, str], bytes] | None:  # noqa: ANN401 - a buffered reader
    """Return the path, headers and body of one request; None where the client is gone."""
    first = lines.readline().split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while line := lines.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return first[1].decode(), headers, lines.read(int(headers.get("content-length", 0)))


def _document(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
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


def _fine(path: str) -> bytes:
    if path == "/GetSamplingRules":
        return b'{"SamplingRuleRecords":[]}'
    if path == "/SamplingTargets":
        return b'{"SamplingTargetDocuments":[],"LastRuleModification":0,"UnprocessedStatistics":[]}'
    return b"{}"


def _error(name: str) -> bytes:
    return json.dumps({"__type": name, "message": "as the drill has it"}).encode()


class DaemonPort:
    """The X-Ray daemon's UDP port; `taken` counts segments, their subsegments not."""

    def __init__(self, port: int) -> None:
        self.taken = 0
        self.port = port
        self._ended = threading.Event()
        self._thread = threading.Thread()
        self.start()

    def start(self) -> None:
        """Open the port. Raises `OSError` where it is another's."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            made.bind(("127.0.0.1", self.port))
        except OSError:
            made.close()
            raise
        made.settimeout(_TURN)
        self._ended.clear()
        self._thread = threading.Thread(target=self._receive, args=(made,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port, as a daemon that is killed does; what it has not read is gone."""
        if self._thread.is_alive():
            self._ended.set()
            self._thread.join()

    close = stop

    def _receive(self, listening: socket.socket) -> None:
        with listening:
            while not self._ended.is_set():
                with suppress(TimeoutError):
                    document = json.loads(listening.recv(65_536).partition(b"\n")[2])
                    self.taken += document.get("type") != "subsegment"
