"""Pass the browser's spans on to where the service's own go: the relay has checked what is queued here."""

from __future__ import annotations

from opentelemetry.sdk.resources import Resource

from service.settings import Settings
from service.telemetry.export.queue import Batcher
from service.telemetry.sink import Sink
from service.telemetry.sinks.otlp import destination, sender

NAME = "browser"

_CAPACITY = 64
"""Requests of 256 KiB at most: 16 MiB, if a browser sends so much."""
_BATCH = 4


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: on where Honeycomb is."""
    url, headers, reason = destination(settings)
    if reason is not None:
        return Sink(name=NAME, off_because=reason)
    post = sender(url, headers, "application/x-protobuf")
    # Messages one after the other are one message that holds what is in all ("Encoding", protobuf's documentation).
    queue: Batcher[bytes] = Batcher(NAME, lambda batch: post(b"".join(batch)), capacity=_CAPACITY, batch_size=_BATCH)
    return Sink(name=NAME, queue=queue)
