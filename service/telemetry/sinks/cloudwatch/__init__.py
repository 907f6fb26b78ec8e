"""Send log lines to CloudWatch Logs with watchtower."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
import watchtower
from opentelemetry.sdk.resources import Resource

from service.settings import Settings
from service.telemetry.export.errors import writing
from service.telemetry.export.gil_pacing import in_stretches
from service.telemetry.export.queue import Batcher
from service.telemetry.log_lines import Line, capture, encode, size_of
from service.telemetry.sink import Sink

if TYPE_CHECKING:
    from service.telemetry.sinks.cloudwatch.put_log_events import LogsApi

NAME = "cloudwatch"

_BATCH = 256
_STRETCH = 32
_OVERHEAD = 26
_MAX_REQUEST = 1024 * 1024
"""PutLogEvents takes 1 MiB a request and 256 KiB an event, 26 bytes of overhead per event included."""


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: on with `CLOUDWATCH_LOG_GROUP`, which the infrastructure creates."""
    if settings.log_group is None:
        return Sink(name=NAME, off_because="CLOUDWATCH_LOG_GROUP is not set")
    handler = QueueingHandler(settings.log_group, settings.aws_region, settings.version)
    return Sink(name=NAME, log_handler=handler, log_access=handler.batcher.put, queue=handler.batcher)


class QueueingHandler(watchtower.CloudWatchLogHandler):
    """watchtower's handler, with a bounded queue and all formatting and sending off the caller's thread."""

    def __init__(self, log_group: str, region: str | None, version: str) -> None:
        # Given no client, watchtower would make one now; and creating the group would be a call to AWS.
        no_client_yet: Any = object()
        super().__init__(log_group_name=log_group, use_queues=False, boto3_client=no_client_yet, create_log_group=False)
        self._region = region
        self._version = version
        self._group = log_group
        self._stream = ""
        self._stream_of = 0
        self._lines: list[Line] = []
        self._left: list[list[bytes]] = []
        self.batcher: Batcher[Line] = Batcher(NAME, self._ship, capacity=20_000, batch_size=_BATCH, carries_logs=True)

    @cached_property
    def _api(self) -> LogsApi:
        """Made on the sending thread: it looks for credentials, which may take the network."""
        from service.telemetry.sinks.cloudwatch.put_log_events import LogsApi  # noqa: PLC0415 - costly, and only for this sink

        return LogsApi(self._region)

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record, without a lock: the queue needs none. Never blocks, never raises."""
        try:
            self.batcher.put(capture(record))
        except Exception:  # noqa: BLE001 - logging's own rule: a log call must not fail its caller
            self.handleError(record)
        return True

    def _ship(self, lines: list[Line]) -> None:
        if lines is not self._lines:  # else a second attempt: what was taken at the first is not sent again
            with writing():
                self._left = list(_requests(sorted(lines, key=lambda line: line.created), self._version))
            self._lines = lines
        while self._left:
            self._put_or_create(self._left[0])
            del self._left[0]
        self._lines = []

    def _put_or_create(self, events: list[bytes]) -> None:
        from service.telemetry.sinks.cloudwatch.put_log_events import MissingStreamError  # noqa: PLC0415 - as above

        try:
            self._put(events)
        except MissingStreamError:
            self._create_stream()
            self._put(events)

    def _create_stream(self) -> None:
        from service.telemetry.sinks.cloudwatch.put_log_events import MissingStreamError  # noqa: PLC0415 - as above

        try:
            self._api.create_stream(self._group, self._stream)
        except MissingStreamError as error:
            raise ConnectionError(f"there is no log group {self._group}: deploy the observability stack") from error

    def _put(self, events: list[bytes]) -> None:
        if self._stream_of != os.getpid():
            self._stream, self._stream_of = _stream_name(), os.getpid()
        self._api.put(self._group, self._stream, events)

    def flush(self) -> None:
        """Do nothing: `Telemetry.flush` and `Telemetry.shutdown` bound the wait for every sink at once."""

    def close(self) -> None:
        """Leave the queue to `Telemetry.shutdown`, which bounds the wait for every sink at once."""
        logging.Handler.close(self)


def _stream_name() -> str:
    """Name a stream of its own for each process: two writers would interleave."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def _requests(lines: list[Line], version: str) -> Iterator[list[bytes]]:
    """Cut `lines`, in order of time, into requests that PutLogEvents takes, each event written as JSON.

    Here and not all at once, which would hold the interpreter's lock for as long as a request takes.
    """
    events: list[bytes] = []
    size = 0
    for stretch in in_stretches(lines, _STRETCH):
        for line in stretch:
            message = encode(line, version)
            taken = size_of(message) + _OVERHEAD
            if size + taken > _MAX_REQUEST:
                yield events
                events, size = [], 0
            events.append(b'{"timestamp":%d,"message":%b}' % (line.created, orjson.dumps(message)))
            size += taken
    yield events
