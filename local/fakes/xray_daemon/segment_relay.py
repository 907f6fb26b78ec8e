"""Receive X-Ray segment documents by UDP and send them to X-Ray in batches, counting the outcomes.

Source of the format: AWS X-Ray developer guide, "Sending segment documents to the X-Ray daemon"
(a header line of JSON, a newline, one document), and PutTraceSegments (at most 50 documents a call).
"""

from __future__ import annotations

import socket
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import orjson
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_xray import XRayClient

BATCH_SIZE: Final = 50
QUEUE_SIZE: Final = 10_000
MAX_DATAGRAM_BYTES: Final = 65_536
POLL_SECONDS: Final = 0.2
LINGER_SECONDS: Final = 0.1
MAX_REASONS: Final = 20


class UnreadableDatagramError(ValueError):
    """A datagram that is not a header line followed by a document."""


def document_of(datagram: bytes) -> str:
    """Return the segment document of a datagram. Raises `UnreadableDatagramError`."""
    header, newline, body = datagram.partition(b"\n")
    try:
        format_and_version = orjson.loads(header)
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableDatagramError("not a JSON header line followed by a JSON document") from error
    if not newline or format_and_version != {"format": "json", "version": 1}:
        raise UnreadableDatagramError("the header line must be format json, version 1")
    return body.decode()


@dataclass
class RelayCounts:
    """The documents by outcome. Each count is written by one thread only."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    malformed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def reject(self, reason: str, count: int = 1) -> None:
        """Count rejected documents by `reason`; further reasons share the entry `other`."""
        is_separate = reason in self.rejected or len(self.rejected) < MAX_REASONS
        self.rejected[reason if is_separate else "other"] += count

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "received": self.received,
            "sent": self.sent,
            "dropped": self.dropped,
            "malformed": self.malformed,
            "rejected": dict(self.rejected),
        }


class SegmentRelay:
    """Relay from a UDP socket, which it closes, to `xray`."""

    def __init__(self, xray: XRayClient, receiver: socket.socket) -> None:
        self.counts = RelayCounts()
        self._xray = xray
        self._queue: Queue[str] = Queue(maxsize=QUEUE_SIZE)
        self._stopping = Event()
        self._received_all = Event()
        self._socket = receiver
        self._socket.settimeout(POLL_SECONDS)
        self.port: int = self._socket.getsockname()[1]
        self._threads = [Thread(target=target, daemon=True) for target in (self._receive, self._send)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening and send what has arrived, within a few seconds."""
        self._stopping.set()
        receiver, sender = self._threads
        receiver.join(timeout=5)
        self._received_all.set()
        sender.join(timeout=5)
        self._socket.close()

    def _receive(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram = self._socket.recv(MAX_DATAGRAM_BYTES)
            except TimeoutError:
                continue
            self._enqueue(datagram)
        self._socket.settimeout(0)
        with suppress(BlockingIOError):
            for _ in range(QUEUE_SIZE):
                self._enqueue(self._socket.recv(MAX_DATAGRAM_BYTES))

    def _enqueue(self, datagram: bytes) -> None:
        self.counts.received += 1
        try:
            self._queue.put_nowait(document_of(datagram))
        except UnreadableDatagramError:
            self.counts.malformed += 1
        except Full:
            self.counts.dropped += 1

    def _send(self) -> None:
        while not (self._received_all.is_set() and self._queue.empty()):
            batch = self._next_batch()
            if batch:
                self._send_batch(batch)

    def _next_batch(self) -> list[str]:
        batch: list[str] = []
        try:
            batch.append(self._queue.get(timeout=POLL_SECONDS))
            while len(batch) < BATCH_SIZE:
                batch.append(self._queue.get(timeout=LINGER_SECONDS))
        except Empty:
            pass
        return batch

    def _send_batch(self, batch: list[str]) -> None:
        try:
            response = self._xray.put_trace_segments(TraceSegmentDocuments=batch)
        except (BotoCoreError, ClientError) as error:
            self.counts.reject(type(error).__name__, len(batch))
            _log_error(f"Sending segment batch failed with: {error}")
            return
        unprocessed = response.get("UnprocessedTraceSegments", [])
        for each in unprocessed:
            self.counts.reject(each.get("ErrorCode") or each.get("Message") or "unnamed")
        self.counts.sent += len(batch) - len(unprocessed)


def _log_error(message: str) -> None:
    """Write a line as the daemon does, which the log driver of its container takes."""
    sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} [Error] {message}\n")
    sys.stderr.flush()
