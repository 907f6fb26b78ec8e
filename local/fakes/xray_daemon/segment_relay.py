"""Take X-Ray segment documents by UDP and put them to X-Ray in batches, counting what becomes of each.

Source of the format: AWS X-Ray developer guide, "Sending segment documents to the X-Ray daemon"
(a header line of JSON, a newline, one document), and PutTraceSegments (at most 50 documents a call).
"""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from local.fakes.server import LOOPBACK

if TYPE_CHECKING:
    from mypy_boto3_xray import XRayClient

BATCH: Final = 50
QUEUED: Final = 10_000
LARGEST_DATAGRAM: Final = 65_536
RECEIVE_BUFFER: Final = 4 * 1024 * 1024
POLL_SECONDS: Final = 0.2
LINGER_SECONDS: Final = 0.1
DISTINCT_REASONS: Final = 20


class UnreadableDatagramError(ValueError):
    """The datagram is not a header line and a document."""


def document(datagram: bytes) -> str:
    """Return the segment document that a datagram carries; raises `UnreadableDatagramError`."""
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
class Tally:
    """What became of the documents so far. Only the worker that counts a thing writes it."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    malformed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def reject(self, reason: str, count: int = 1) -> None:
        """Count rejected documents under `reason`; reasons beyond the first few share one entry."""
        known = reason in self.rejected or len(self.rejected) < DISTINCT_REASONS
        self.rejected[reason if known else "other"] += count

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
    """Listen on a UDP port and relay to `xray`. Raises `OSError` when the port is taken."""

    def __init__(self, xray: XRayClient, port: int) -> None:
        self.tally = Tally()
        self._xray = xray
        self._queue: Queue[str] = Queue(maxsize=QUEUED)
        self._stopping = Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.settimeout(POLL_SECONDS)
        try:
            self._socket.bind((LOOPBACK, port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._threads = [Thread(target=work, daemon=True) for work in (self._receive, self._send)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening, put what is queued, within a few seconds."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._socket.close()

    def _receive(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram = self._socket.recv(LARGEST_DATAGRAM)
            except TimeoutError:
                continue
            self._enqueue(datagram)

    def _enqueue(self, datagram: bytes) -> None:
        self.tally.received += 1
        try:
            self._queue.put_nowait(document(datagram))
        except UnreadableDatagramError:
            self.tally.malformed += 1
        except Full:
            self.tally.dropped += 1

    def _send(self) -> None:
        while not (self._stopping.is_set() and self._queue.empty()):
            batch = self._next_batch()
            if batch:
                self._put(batch)

    def _next_batch(self) -> list[str]:
        batch: list[str] = []
        try:
            batch.append(self._queue.get(timeout=POLL_SECONDS))
            while len(batch) < BATCH:
                batch.append(self._queue.get(timeout=LINGER_SECONDS))
        except Empty:
            pass
        return batch

    def _put(self, batch: list[str]) -> None:
        try:
            answer = self._xray.put_trace_segments(TraceSegmentDocuments=batch)
        except (BotoCoreError, ClientError) as error:
            self.tally.reject(type(error).__name__, len(batch))
            return
        refused = answer.get("UnprocessedTraceSegments", [])
        for each in refused:
            self.tally.reject(each.get("ErrorCode") or each.get("Message") or "unnamed")
        self.tally.sent += len(batch) - len(refused)
