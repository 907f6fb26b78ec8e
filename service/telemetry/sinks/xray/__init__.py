"""Send segment documents to the X-Ray daemon by UDP."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aws_xray_sdk.core.utils.search_pattern import wildcard_match
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from service.settings import Settings
from service.telemetry.context.request_scope import RequestScope, current_scope
from service.telemetry.export.errors import writing
from service.telemetry.export.gil_pacing import in_stretches
from service.telemetry.export.queue import Batcher
from service.telemetry.sink import Sink
from service.telemetry.sinks.xray.segment_document import Facts, SegmentSource, encode, host_asked_for
from service.telemetry.spans.span import LightSpan

logger = logging.getLogger(__name__)

NAME = "xray"

_HEADER = b'{"format":"json","version":1}\n'
"""What the daemon expects before each document ("Sending segment documents to the X-Ray daemon")."""
_STRETCH = 8
_MAX_KEPT = 1_000
"""Inner spans kept for one segment; further ones are sent by themselves, so that no request fills the memory."""
_BURST = 24 * 1024
_PAUSE = 0.002
"""Seconds after each burst of that many bytes: 8 MB a second, some thousand segments; Linux buffers 208 KiB."""
_PER_DATAGRAM = 768
"""Bytes of that buffer which even the smallest one takes."""


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: on with `AWS_XRAY_DAEMON_ADDRESS`."""
    if settings.xray_daemon_address is None:
        return Sink(name=NAME, off_because="AWS_XRAY_DAEMON_ADDRESS is not set")
    facts = Facts(
        service=settings.xray_service_name,
        version=settings.version,
        log_group=settings.log_group,
        origin=settings.xray_origin,
        container=socket.gethostname(),
    )
    daemon = _Daemon(settings.xray_daemon_address.udp, facts, settings.xray_url)
    queue = Batcher(NAME, daemon.send)
    return Sink(name=NAME, span_processor=_Collector(queue.put), queue=queue, closed=daemon.close)


class _Collector(SpanProcessor):
    """Keep a request's inner spans until its server span ends, then queue them together."""

    def __init__(self, put: Callable[[SegmentSource], None]) -> None:
        self._put = put

    def on_end(self, span: ReadableSpan) -> None:
        if not isinstance(span, LightSpan) or not span.verdict.in_xray:
            return
        scope = current_scope()
        if scope is None or span.trace_id != scope.trace_id:
            self._put(SegmentSource(root=span))
        elif span is scope.span:
            self._put(_request(span, scope))
        elif scope.span.is_recording() and len(scope.finished) < _MAX_KEPT:
            scope.keep(span)
        else:  # it outlived its request: X-Ray joins a late subsegment to its trace by its parent's id
            self._put(SegmentSource(root=span, entities=_entities(scope), annotations=scope.annotations))


def _request(span: LightSpan, scope: RequestScope) -> SegmentSource:
    return SegmentSource(
        root=span,
        inner=scope.finished,
        entities=_entities(scope),
        segment=scope.xray_segment,
        annotations=scope.annotations,
        is_request=True,
        forwarded=scope.forwarded,
        user=scope.user_id,
        error=scope.told(),
    )


def _entities(scope: RequestScope) -> dict[int, Any]:
    """Return what the X-Ray SDK made, to stay with the source: the scope lets go of it."""
    return dict(scope.xray_entities)


def _documents(source: SegmentSource, facts: Facts, name: str | None) -> list[bytes]:
    try:
        return list(encode(source, facts, name))
    except Exception:  # the SDK's entities are open to the handler, which may have put anything in their place
        made = list(encode(replace(source, entities={}, segment=None, annotations={}), facts, name))
        logger.exception("what a handler added to its segment could not be read: it is sent without")
        return made


class _Daemon:
    """Write documents to the daemon's socket, from the queue's thread."""

    def __init__(self, address: tuple[str, int], facts: Facts, dynamic_naming: str | None) -> None:
        self._address = address
        self._facts = facts
        self._pattern = dynamic_naming
        self._socket: socket.socket | None = None
        self._burst = 0
        self._before = b""
        self._unsure = b""
        """A datagram that came to a closed port, to be sent again."""

    def send(self, batch: list[SegmentSource]) -> None:
        for stretch in in_stretches(batch, _STRETCH):
            # First made, then sent: each sending lets go of the interpreter's lock, and is quick to want it back.
            with writing():
                made = [(each, _documents(each, self._facts, self._name(each))) for each in stretch if not each.sent]
            for source, documents in made:
                for document in documents:
                    self._write(_HEADER + document)
                source.sent = True

    def _name(self, source: SegmentSource) -> str | None:
        """Name the segment after the host where `AWS_XRAY_URL` matches it, as the SDK's dynamic naming does."""
        host = host_asked_for(source) if self._pattern else None
        return host if host and wildcard_match(self._pattern, host) else None

    def _write(self, datagram: bytes) -> None:
        if self._socket is None:
            self._socket = self._open()
        self._pace(len(datagram))
        try:
            if self._unsure:
                self._socket.send(self._unsure)
                self._unsure = b""
            self._socket.send(datagram)
        except ConnectionRefusedError:
            # The kernel says this of the datagram before: nobody was there to take it.
            self._unsure = self._before or self._unsure
            self._before = b""
            self.close()
            raise
        except OSError:
            # Resolve the name again next time: the daemon may have moved.
            self.close()
            raise
        self._before = datagram

    def close(self) -> None:
        """Close the socket; the next datagram opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _pace(self, size: int) -> None:
        """Let the daemon read: what does not fit into its socket's buffer is lost without a sound."""
        self._burst += size + _PER_DATAGRAM
        if self._burst > _BURST:
            self._burst = 0
            time.sleep(_PAUSE)

    def _open(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
        made = socket.socket(family, kind, protocol)
        made.connect(address)
        return made
