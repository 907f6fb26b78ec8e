"""Send segment documents to the X-Ray daemon by UDP."""

from __future__ import annotations

import socket
from typing import NamedTuple

from aws_xray_sdk.core.utils.search_pattern import wildcard_match
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import SpanKind

from service.settings import Settings
from service.telemetry.batching import Batcher
from service.telemetry.scope import current_scope
from service.telemetry.sink import Sink
from service.telemetry.xray_document import Facts, SegmentSource, encode

NAME = "xray"

_HEADER = b'{"format":"json","version":1}\n'
"""What the daemon expects before each document ("Sending segment documents to the X-Ray daemon")."""


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: on with `AWS_XRAY_DAEMON_ADDRESS`."""
    if settings.xray_daemon_address is None:
        return Sink(name=NAME, off_because="AWS_XRAY_DAEMON_ADDRESS is not set")
    facts = Facts(
        name=settings.xray_service_name,
        service=settings.xray_service_name,
        version=settings.version,
        log_group=settings.log_group,
        container=socket.gethostname(),
    )
    daemon = _Daemon(settings.xray_daemon_address.udp, facts, settings.xray_url)
    queue = Batcher(NAME, daemon.send)
    return Sink(name=NAME, span_processor=_Collector(queue), queue=queue)


class Finished(NamedTuple):
    """A server span with all that belongs to its segment, and the host it was asked for."""

    source: SegmentSource
    host: str


class _Collector(SpanProcessor):
    """Keep a request's inner spans until its server span ends, then queue them together."""

    def __init__(self, queue: Batcher[Finished]) -> None:
        self._put = queue.put

    def on_end(self, span: ReadableSpan) -> None:
        scope = current_scope()
        if scope is None:
            self._put(Finished(SegmentSource(root=span), ""))
            return
        if not scope.in_xray:
            return
        if span.kind is not SpanKind.SERVER:
            if scope.span.is_recording():
                scope.finished.append(span)
            else:  # it outlived its request: X-Ray joins a late subsegment to its trace by its parent's id
                source = SegmentSource(root=span, entities=scope.xray_entities, annotations=scope.annotations)
                self._put(Finished(source, ""))
            return
        source = SegmentSource(
            root=span,
            inner=tuple(scope.finished),
            entities=scope.xray_entities,
            segment=scope.xray_segment,
            annotations=scope.annotations,
            forwarded=scope.forwarded,
            user=scope.user_id,
            error=scope.error,
        )
        self._put(Finished(source, str((span.attributes or {}).get("server.address", ""))))


class _Daemon:
    """Write documents to the daemon's socket, from the queue's thread."""

    def __init__(self, address: tuple[str, int], facts: Facts, dynamic_naming: str | None) -> None:
        self._address = address
        self._facts = facts
        self._pattern = dynamic_naming
        self._socket: socket.socket | None = None

    def send(self, batch: list[Finished]) -> None:
        for finished in batch:
            for document in encode(finished.source, self._facts._replace(name=self._name(finished.host))):
                self._write(_HEADER + document)

    def _name(self, host: str) -> str:
        """Name the segment after the host where `AWS_XRAY_URL` matches it, as the SDK's dynamic naming does."""
        matches = bool(self._pattern and host) and wildcard_match(self._pattern, host)
        return host if matches else self._facts.name

    def _write(self, datagram: bytes) -> None:
        if self._socket is None:
            self._socket = self._open()
        try:
            self._socket.send(datagram)
        except OSError:
            # Resolve the name again next time: the daemon may have moved.
            self._socket.close()
            self._socket = None
            raise

    def _open(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
        made = socket.socket(family, kind, protocol)
        made.connect(address)
        return made
