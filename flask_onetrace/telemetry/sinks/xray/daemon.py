"""Write segment documents to the daemon's UDP socket, from the queue's thread."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from flask_onetrace.telemetry.export.errors import PartialSuccessError, encode_each, encoding, encoding_reason
from flask_onetrace.telemetry.export.gil_pacing import paced_chunks
from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sampling.rule import matches
from flask_onetrace.telemetry.sinks.xray.segment_document import encode, request_host
from flask_onetrace.telemetry.sinks.xray.segment_source import ProcessInfo, SegmentSource

logger = safe_logger(__name__)

_HEADER = b'{"format":"json","version":1}\n'
"""What the daemon expects before each document ("Sending segment documents to the X-Ray daemon")."""
_CHUNK = 8
_BURST = 24 * 1024
_PAUSE = 0.002
"""Seconds after each burst of that many bytes: 8 MB a second, some thousand segments; Linux buffers 208 KiB."""
_DATAGRAM_OVERHEAD = 768
"""Bytes of that buffer which even the smallest datagram takes."""


class DaemonSender:
    """Send batches of segment sources to the daemon at `address`.

    `host_pattern` names segments after the host of their request where it matches, as the SDK's dynamic naming does.
    """

    def __init__(
        self, address: tuple[str, int], process: ProcessInfo, host_pattern: str | None, redact: Redactor
    ) -> None:
        self._address = address
        self._process = process
        self._host_pattern = host_pattern
        self._redact = redact
        self._socket: socket.socket | None = None
        self._burst = 0
        self._previous = b""
        self._resend = b""
        """A datagram that reached a closed port, to be sent again."""
        self._failures: list[BaseException] = []
        """Why items of the batch are left out."""

    def send(self, batch: list[SegmentSource]) -> None:
        """Send the documents of `batch`. Raises `OSError`, and `PartialSuccessError` for sources that have none."""
        unsent: Sequence[SegmentSource] = [source for source in batch if not source.sent]
        failures = self._failures = []
        with encoding():
            try:
                encoded = [self._documents(source) for chunk in paced_chunks(unsent, _CHUNK) for source in chunk]
            except BaseException:  # noqa: BLE001 - the source at fault is found
                unsent, encoded = encode_each(partial(paced_chunks, unsent, _CHUNK), self._documents, failures)
            documents = iter(self._redact.json_bodies([document for each in encoded for document in each]))
        for chunk in paced_chunks(list(zip(unsent, encoded, strict=True)), _CHUNK):
            for source, own in chunk:
                for _ in own:
                    self._write(_HEADER + next(documents))
                source.sent = True
        if failures:
            raise PartialSuccessError(min(len(failures), len(batch)), encoding_reason(failures[0]))

    def close(self) -> None:
        """Close the socket; the next datagram opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _documents(self, source: SegmentSource) -> list[bytes]:
        name = self._dynamic_name(source)
        try:
            return list(encode(source, self._process, name))
        except Exception:  # noqa: BLE001 - the part at fault is left out
            return self._documents_in_part(source, name)

    def _documents_in_part(self, source: SegmentSource, name: str | None) -> list[bytes]:
        try:
            return list(encode(source, self._process, name, careful=True))
        except Exception:  # the SDK's entities are open to the handler, which may have put anything in their place
            plain = replace(source, entities={}, segment=None, annotations={})
            documents = list(encode(plain, self._process, name, careful=True))
            logger.exception("cannot encode what a handler added to its segment: the segment is sent without it")
        return documents

    def _dynamic_name(self, source: SegmentSource) -> str | None:
        host = request_host(source) if self._host_pattern else None
        return host if host and self._host_pattern and matches(self._host_pattern, host) else None

    def _write(self, datagram: bytes) -> None:
        if self._socket is None:
            self._socket = self._connect()
        self._pace(len(datagram))
        try:
            if self._resend:
                self._socket.send(self._resend)
                self._resend = b""
            self._socket.send(datagram)
        except ConnectionRefusedError:
            # The kernel reports this about the previous datagram: no process was listening.
            self._resend = self._previous or self._resend
            self._previous = b""
            self.close()
            raise
        except OSError as error:
            if error.errno == errno.EMSGSIZE:  # sent again, it would stop all others
                self._failures.append(error)
                return
            # Resolve the name again next time: the daemon may have moved.
            self.close()
            raise
        self._previous = datagram

    def _pace(self, size: int) -> None:
        """Give the daemon time to read: what does not fit into its socket's buffer is lost without an error."""
        self._burst += size + _DATAGRAM_OVERHEAD
        if self._burst > _BURST:
            self._burst = 0
            time.sleep(_PAUSE)

    def _connect(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
        connected = socket.socket(family, kind, protocol)
        connected.connect(address)
        return connected
