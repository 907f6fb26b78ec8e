"""Create the X-Ray SDK's segments and subsegments cheaply, with the ids of their spans.

The SDK's own constructors generate random ids, check each character of a name and count references, and a subsegment
creates its segment first. Here a segment is created only when code asks for it.
"""

from __future__ import annotations

import threading
import time
from asyncio import AbstractEventLoop
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from aws_xray_sdk.core.models.dummy_entities import DummySegment, DummySubsegment
from aws_xray_sdk.core.models.entity import Entity
from aws_xray_sdk.core.models.segment import Segment
from aws_xray_sdk.core.models.subsegment import Subsegment
from opentelemetry import context as otel_context
from opentelemetry import trace

from flask_onetrace.telemetry.context.trace_scope import TraceScope
from flask_onetrace.telemetry.ids import span_hex, xray_trace_id
from flask_onetrace.telemetry.plain import ends_process, text
from flask_onetrace.telemetry.redaction.limits import MAX_NAME
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.xray_sdk.state import SdkState

logger = safe_logger(__name__)

_INVALID_CHARACTERS = frozenset("?;*()!$~^<>")
"""What the SDK removes from a name (its `models/entity.py`)."""


class OpenSpan(NamedTuple):
    """The span of an open entity, the context within it, the token that detaches it, and where it was opened.

    `loop` is the event loop that ran there, as for an async view, None without one.
    """

    span: trace.Span
    context: otel_context.Context
    token: Any
    thread: int
    loop: AbstractEventLoop | None = None

    def has_been_left(self) -> bool:
        """Return whether the code that opened it cannot end it any more, if this thread is about to end its request."""
        loop = self.loop
        return self.thread == threading.get_ident() if loop is None else not loop.is_running()


class RequestSegment(Segment):  # type: ignore[misc]  # the SDK publishes no types
    """The segment of a sampled request: its user becomes the request's, for every sink."""

    def set_user(self, user: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        """Set the user, as `telemetry.identify` does."""
        self.scope.identify(user)


class UnsampledSegment(DummySegment):  # type: ignore[misc]  # the SDK publishes no types
    """The segment of a request that is not sampled: its log lines and error items name the user too."""

    def set_user(self, user: Any) -> None:  # noqa: ANN401 - as above
        """Set the user, as `telemetry.identify` does."""
        self.scope.identify(user)


class SpanSubsegment(Subsegment):  # type: ignore[misc]  # the SDK publishes no types
    """A subsegment that is a span. Its segment is created at first use."""

    open_span: OpenSpan | None
    mirrored: frozenset[str] = frozenset()
    """The attributes of its span that show what it holds: the document has them already."""

    def __init__(self, name: str, namespace: str, scope: TraceScope, parent_id: str) -> None:
        # All attributes that the SDK's `Entity` and `Subsegment` set; `id` is set when the span starts.
        self.id = ""
        try:
            self.name = _valid_name(name[:MAX_NAME])
        except BaseException as error:  # a name that is no text
            if ends_process(error):
                raise
            self.name = _valid_name(text(name)[:MAX_NAME])
        self.start_time = time.time()
        self.parent_id = parent_id
        self.sampled = True
        self.in_progress = True
        self.http: dict[str, Any] = {}
        self.annotations: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.aws: dict[str, Any] = {}
        self.cause: Any = {}
        self.subsegments: list[Any] = []
        self.trace_id = xray_trace_id(scope.trace_id)
        self.type = "subsegment"
        self.namespace = namespace
        self.sql: dict[str, Any] = {}
        self._scope = scope

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        if name != "parent_segment":
            raise AttributeError(name)
        return segment_of(self._scope)

    def close(self, end_time: float | None = None) -> None:
        """Close it without the SDK's reference counting, which nothing here needs."""
        Entity.close(self, end_time)

    def add_subsegment(self, subsegment: Any) -> None:  # noqa: ANN401 - as above
        """Add a child."""
        Entity.add_subsegment(self, subsegment)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that the SDK would send."""
        document: dict[str, Any] = Entity.to_dict(self)
        return {key: value for key, value in document.items() if key not in {"_scope", "mirrored", "open_span"}}


class UnsampledSubsegment(DummySubsegment):  # type: ignore[misc]  # the SDK publishes no types
    """The one subsegment of a request that is not sampled: it accepts every call and records nothing."""

    # Attributes that code may read; the setters of the SDK's dummy have no effect.
    name = "dummy"
    type = "subsegment"
    namespace = "local"
    parent_id = None
    sampled = False
    in_progress = True
    start_time = 0.0
    cause: Any = MappingProxyType({})
    http: Any = MappingProxyType({})
    annotations = metadata = aws = sql = http
    subsegments = ()

    def __init__(self, scope: TraceScope) -> None:
        self._scope = scope

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        if name == "parent_segment":
            return segment_of(self._scope)
        if name in {"id", "trace_id"}:
            return getattr(self.parent_segment, name)
        raise AttributeError(name)

    def add_subsegment(self, subsegment: Any) -> None:  # noqa: ANN401 - as above
        """Do nothing."""

    def close(self, end_time: float | None = None) -> None:
        """Do nothing: it is reused."""


def segment_of(scope: TraceScope) -> Any:  # noqa: ANN401 - as above
    """Return the SDK's segment of the request, created at the first call."""
    state = scope.extra_of(SdkState)
    if state.segment is None:
        state.segment = _new_segment(scope)
    return state.segment


def _new_segment(scope: TraceScope) -> Any:  # noqa: ANN401 - as above
    name, span = scope.telemetry.config.sampling.service_name, scope.span
    span_id, trace_id = span_hex(span.span_id), xray_trace_id(scope.trace_id)
    if scope.is_recorded:
        segment = RequestSegment(name, entityid=span_id, traceid=trace_id)
    else:
        segment = UnsampledSegment(name)
        # Patched clients send them on: the SDK's own dummy has ids of zeros.
        segment.id, segment.trace_id = span_id, trace_id
    segment.scope = scope
    segment.open_span = OpenSpan(span, scope.context(), None, threading.get_ident())
    return segment


@lru_cache(maxsize=1024)
def _valid_name(name: str) -> str:
    valid = "".join(each for each in name if each not in _INVALID_CHARACTERS)
    if valid != name:
        logger.warning(
            "subsegment %r renamed to %r: X-Ray does not allow the characters %s",
            name,
            valid,
            "".join(sorted(_INVALID_CHARACTERS)),
        )
    return valid
