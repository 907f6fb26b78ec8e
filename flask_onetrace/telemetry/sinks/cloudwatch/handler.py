"""Extend watchtower's handler by a bounded queue, and ship lines in batches off the caller's thread."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Sequence
from functools import cached_property, partial
from operator import attrgetter
from typing import Any

import orjson
import watchtower

from flask_onetrace.telemetry.export.errors import (
    PartialSuccessError,
    SplitError,
    TooLargeError,
    encode_each,
    encoding,
    encoding_reason,
)
from flask_onetrace.telemetry.export.gil_pacing import paced_chunks
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.log_lines import Line, LineFormat, encode, size_of
from flask_onetrace.telemetry.record_queue import RecordQueueing
from flask_onetrace.telemetry.sink import ServiceInfo
from flask_onetrace.telemetry.sinks.cloudwatch.put_log_events import (
    NONE_REJECTED,
    Events,
    LogsApi,
    MissingStreamError,
    Rejected,
)

_CAPACITY = 20_000
_MAX_BYTES = 8 * 1024 * 1024
_BATCH_SIZE = 512
_CHUNK = 32
_EVENT_OVERHEAD = 26
_MAX_SPAN = 24 * 60 * 60 * 1000
"""Milliseconds, exclusive, between the events of a request ("PutLogEvents", CloudWatch Logs API Reference)."""
_MAX_REQUEST = 1024 * 1024
"""PutLogEvents takes 1 MiB a request and 256 KiB an event, 26 bytes of overhead per event included."""


class QueueingHandler(RecordQueueing, watchtower.CloudWatchLogHandler):
    """watchtower's handler, with a bounded queue and all formatting and sending off the caller's thread."""

    def __init__(self, name: str, log_group: str, region: str | None, service: ServiceInfo) -> None:
        # Without a client, watchtower would make one now; and creating the group would be a call to AWS.
        no_client_yet: Any = object()
        super().__init__(log_group_name=log_group, use_queues=False, boto3_client=no_client_yet, create_log_group=False)
        self._region = region
        self._format = LineFormat(service.version, service.access_logger)
        self._redact = service.redact
        self._group = log_group
        self._stream = ""
        self._stream_owner = 0
        """The process that the stream is for."""
        self.queue: ExportQueue[Line] = ExportQueue(
            name,
            self._ship,
            capacity=_CAPACITY,
            max_bytes=_MAX_BYTES,
            weigh=attrgetter("size"),
            batch_size=_BATCH_SIZE,
            redact_line=self._redacted,
            drop_metric=service.drop_metric,
        )

    @cached_property
    def _api(self) -> LogsApi:
        """Created on the export thread: it looks for credentials, which may take the network."""
        return LogsApi(self._region)

    def _redacted(self, line: str) -> str:
        [line] = self._redact.lines([line])
        return line

    def _ship(self, lines: list[Line]) -> None:
        """Send `lines`. Raises the errors of `export.errors`, `PartialSuccessError` where some are not accepted."""
        failures: list[BaseException] = []
        with encoding():
            ordered = sorted(lines, key=attrgetter("created"))
            if ordered[-1].created - ordered[0].created >= _MAX_SPAN:
                raise SplitError(_within_a_day(ordered))
            events = self._events(ordered, failures)
        rejected = self._put_or_create_stream(events) if events.length else NONE_REJECTED
        if count := len(failures) + rejected.events:
            raise PartialSuccessError(count, encoding_reason(failures[0]) if failures else rejected.reason)

    def _put_or_create_stream(self, events: Events) -> Rejected:
        try:
            return self._put(events)
        except MissingStreamError:
            self._create_stream()
            return self._put(events)

    def _create_stream(self) -> None:
        try:
            self._api.create_stream(self._group, self._stream)
        except MissingStreamError as error:
            raise ConnectionError(f"log group {self._group} not found: deploy the observability stack") from error

    def _put(self, events: Events) -> Rejected:
        if self._stream_owner != os.getpid():
            self._stream, self._stream_owner = _stream_name(), os.getpid()
        return self._api.put(self._group, self._stream, events)

    def _events(self, lines: Sequence[Line], failures: list[BaseException]) -> Events:
        """Return `lines` as the events of one request. Raises `TooLargeError`.

        In paced chunks: encoding a batch at once would hold the interpreter lock for as long as a request takes. A line
        that cannot be encoded is left out, and the reason is appended to `failures`.
        """
        line_format = self._format
        try:
            messages: Sequence[str] = [
                encode(line, line_format) for chunk in paced_chunks(lines, _CHUNK) for line in chunk
            ]
        except BaseException:  # noqa: BLE001 - the line at fault is found
            chunks, to_text = partial(paced_chunks, lines, _CHUNK), partial(encode, line_format=line_format)
            lines, messages = encode_each(chunks, to_text, failures)
        messages = self._redact.lines(messages)
        if size_of("".join(messages)) + _EVENT_OVERHEAD * len(messages) > _MAX_REQUEST:
            raise TooLargeError(f"{len(lines)} lines are more than a request may have ({_MAX_REQUEST:,} bytes)")
        events = [{"timestamp": line.created, "message": text} for line, text in zip(lines, messages, strict=True)]
        arrays = [orjson.dumps(chunk) for chunk in paced_chunks(events, 4 * _CHUNK)]
        return Events(b",".join(array[1:-1] for array in arrays), len(events))

    def flush(self) -> None:
        """Do nothing: `Telemetry.flush` and `Telemetry.shutdown` bound the wait for all sinks together."""

    def close(self) -> None:
        """Leave the queue to `Telemetry.shutdown`, which bounds the wait for all sinks together."""
        logging.Handler.close(self)


def _within_a_day(lines: Sequence[Line]) -> list[list[Line]]:
    """Return `lines`, which are in order, in parts of less than 24 hours."""
    parts: list[list[Line]] = []
    for line in lines:
        if not parts or line.created - parts[-1][0].created >= _MAX_SPAN:
            parts.append([])
        parts[-1].append(line)
    return parts


def _stream_name() -> str:
    """Name a stream of its own for each process: the lines of two writers would interleave."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
