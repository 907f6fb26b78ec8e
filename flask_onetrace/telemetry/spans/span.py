"""Record spans cheaply: a drop-in replacement of the SDK's `Span` at a fraction of its cost.

The SDK's constructor creates three bounded collections, checks every value against every type that an attribute may
have, and copies the span when it ends. Most spans have a few strings and numbers: a plain dict holds those, and the
SDK's collections hold all others, so that limits and conversions stay the SDK's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from itertools import islice
from operator import attrgetter
from sys import getsizeof
from time import time_ns
from types import TracebackType
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace.status import Status, StatusCode

from flask_onetrace.telemetry import ids
from flask_onetrace.telemetry.plain import ends_process, text, type_name
from flask_onetrace.telemetry.redaction.copies import NotEncodableError
from flask_onetrace.telemetry.redaction.limits import MAX_ITEMS, MAX_NAME
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sampling.trace_state import SamplingTraceState, trace_state_of
from flask_onetrace.telemetry.spans.bounded import BoundedSpan
from flask_onetrace.telemetry.spans.provider import SpanProvider
from flask_onetrace.telemetry.spans.unsampled import context_of

logger = safe_logger(__name__)

(SPAN_KEY,) = trace.set_span_in_context(trace.INVALID_SPAN, Context())
"""The key of the current span in OpenTelemetry's context: code that reads other keys too fetches the context once."""
OWN_SPAN = "own_span"
"""The attribute of another SDK's span that is copied here: its copy, or the span that stands for it."""
_UNSET = Status(StatusCode.UNSET)
_PLAIN_TYPES = frozenset({str, int, float, bool})
_TEXT_TYPES = frozenset({str})


def _new_lock() -> None:
    LightSpan._lock = threading.Lock()


os.register_at_fork(after_in_child=_new_lock)


class LightSpan(BoundedSpan):
    """A recording span. `parent_id` is 0 for a root; the trace state carries the sampling decision of its trace."""

    # Class attributes hold what most spans neither set nor read: in CPython 3.11 it takes longer to read them.
    _instrumentation_info = None
    _record_exception = True
    _set_status_on_exception = True
    # One for all spans: it is held for a few assignments, never while other code runs.
    _lock = threading.Lock()
    _own_context: trace.SpanContext | None = None
    scope: Any = None
    """Of a root span outside any request, and of the spans within it: their job's scope."""

    # The SDK's properties are Python functions. Each sink reads these for each span, here without a call of one.
    name: str = property(attrgetter("_name"))  # type: ignore[assignment]  # mypy has no type for a property of a getter
    kind: trace.SpanKind = property(attrgetter("_kind"))  # type: ignore[assignment]  # as above
    start_time: int = property(attrgetter("_start_time"))  # type: ignore[assignment]  # as above
    end_time: int | None = property(attrgetter("_end_time"))  # type: ignore[assignment]  # as above
    instrumentation_scope: InstrumentationScope = property(attrgetter("_instrumentation_scope"))  # type: ignore[assignment]  # as above
    raw_attributes: Mapping[str, Any] = property(attrgetter("_attributes"))  # type: ignore[assignment]  # as above
    """The attributes, without the copy that protects `attributes`."""

    def __init__(
        self,
        provider: SpanProvider,
        instrumentation: InstrumentationScope,
        name: str,
        *,
        trace_id: int,
        parent: LightSpan | trace.SpanContext | None,
        parent_id: int,
        flags: int,
        trace_state: trace.TraceState,
        kind: trace.SpanKind,
        start_time: int | None = None,
        span_id: int = 0,
    ) -> None:
        self.provider = provider
        self.trace_id = trace_id
        self.span_id = span_id or ids.new_span_id()
        self.parent_id = parent_id
        self.flags = flags
        self.trace_state = trace_state
        self._parent_span = parent
        self._name = name
        self._kind = kind
        self._instrumentation_scope = instrumentation
        self._attributes = {}
        self._status = _UNSET
        self._events = self._links = ()
        self._end_time = None
        self.is_redacted = False
        """Whether its name and attributes have no secrets and are not too long: nobody else has set one of them."""
        self._start_time = time_ns() if start_time is None else self._time_or_now(start_time)

    @property
    def sampling(self) -> SamplingTraceState:
        """The sampling decision of its trace."""
        state = self.trace_state
        return state if isinstance(state, SamplingTraceState) else trace_state_of(state)

    @property
    def _context(self) -> trace.SpanContext:  # type: ignore[override]  # the SDK sets it in its constructor
        """The API's span context, created at first use: the sinks read the ids instead."""
        context = self._own_context
        if context is None:
            context = self._own_context = context_of(self)
        return context

    @property
    def context(self) -> trace.SpanContext:
        """The ids, flags and trace state."""
        return self._context

    def get_span_context(self) -> trace.SpanContext:
        """Return the ids, flags and trace state."""
        return self._context

    @property
    def has_remote_parent(self) -> bool:
        """Whether its parent is in another process."""
        parent = self._parent_span
        return isinstance(parent, trace.SpanContext) and parent.is_remote

    @property
    def is_plain(self) -> bool:
        """Whether it has only plain attributes: no status, event or link, and nothing dropped."""
        return (
            self._status is _UNSET
            and not self._events
            and not self._links
            and type(self._attributes) is dict
            and isinstance(self.trace_state, SamplingTraceState)
        )

    @property
    def parent(self) -> trace.SpanContext | None:
        """The parent's span context; None for a root."""
        parent = self._parent_span
        return parent._context if isinstance(parent, LightSpan) else parent

    @property
    def resource(self) -> Resource:
        """The resource of its provider."""
        return self.provider.resource

    def is_recording(self) -> bool:
        """Return whether the span has not ended."""
        return self._end_time is None

    def set_attribute(self, key: str, value: Any) -> None:  # noqa: ANN401 - as the API has it
        """Set one attribute; by the SDK's collection if it is no string, number or boolean, or beyond the limit."""
        attributes = self._attributes
        self.is_redacted = False
        if self._end_time is not None:
            logger.warning("Setting attribute on ended span.")
        elif (
            type(attributes) is dict
            and type(value) in _PLAIN_TYPES
            and type(key) is str
            and key
            and len(attributes) < self.provider.max_plain_attributes
        ):
            attributes[key] = value
        else:
            self._set_bounded(key, value)

    def _set_bounded(self, key: Any, value: Any) -> None:  # noqa: ANN401 - any value
        """Set an attribute in the SDK's collection, copied; count it as dropped where no sink can encode it."""
        attributes = self._bounded_attributes()
        # The SDK drops, and counts, what has no text as its name.
        name = text(key) if issubclass(type(key), str) else ""
        try:
            copy = self._copier().member(name, value) if name else None
            if type(copy) is str and not issubclass(type(value), str):
                with attributes._lock:  # private: by its own method, the SDK's limit for texts would cut it
                    attributes._setitem_locked(name, copy)
            else:
                attributes[name] = copy
        except NotEncodableError as error:
            attributes.dropped += 1
            logger.warning("attribute %r is left out: OTLP cannot carry %s", name[:MAX_NAME], error)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set attributes."""
        current = self._attributes
        self.is_redacted = False
        if (
            self._end_time is None
            and type(current) is dict
            and type(attributes) is dict
            and len(current) + len(attributes) <= self.provider.max_plain_attributes
            and _PLAIN_TYPES.issuperset(map(type, attributes.values()))
            and _TEXT_TYPES.issuperset(map(type, attributes))
            and "" not in attributes
        ):
            current.update(attributes)
            return
        for key, value in self._members(attributes):
            self.set_attribute(key, value)

    def _members(self, attributes: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any value
        """Return the members of a mapping as far as they can be read; none, counted, of what is no mapping."""
        members: list[tuple[Any, Any]] = []
        try:
            members.extend((key, value) for key, value in islice(attributes.items(), MAX_ITEMS))
        except BaseException as error:
            if ends_process(error):
                raise
            self._bounded_attributes().dropped += 1
            logger.warning("attributes of type %s could not be read", type_name(attributes))
        return members

    def complete(self, name: str | None, attributes: Mapping[str, Any]) -> None:
        """Set a name, unless it is None, and attributes: texts and numbers that are known to have no secrets."""
        current = self._attributes
        if name is not None:
            self._name = name
        if type(current) is dict and len(current) + len(attributes) <= self.provider.max_plain_attributes:
            current.update(attributes)
        else:
            self.set_attributes(attributes)

    def complete_redacted(self, name: str, attributes: dict[str, Any]) -> None:
        """Set a name and attributes, all that it has: texts, numbers and booleans without secrets and excess."""
        self.complete(name, attributes)
        self.size += sum(map(getsizeof, attributes.values()))
        self.is_redacted = type(self._attributes) is dict

    def update_name(self, name: str) -> None:
        """Set the name."""
        self.is_redacted = False
        super().update_name(name)

    def end(self, end_time: int | None = None) -> None:
        """End the span, at `end_time` in nanoseconds since the epoch or now, and pass it to the processors."""
        scope = self.scope
        if scope is not None and scope.span is self:
            scope.complete()
        with self._lock:
            if self._end_time is not None:
                logger.warning("Calling end() on an ended span.")
                return
            self._end_time = time_ns()
        if end_time is not None:
            self._end_time = self._time_or_now(end_time)  # the value's own code runs: without the lock
        if not self.is_redacted:
            try:
                self._redact()
            except Exception:
                self._name, self._attributes = "unnamed", {}
                logger.exception("a span's attributes could not be redacted, and are left out")
        self.provider.on_end(self)
        if scope is not None and scope.span is self:
            scope.release()

    def on_exception(self, *, record: bool, set_status: bool) -> None:
        """Set whether an exception that leaves `with span:` is recorded, and sets the status."""
        self._record_exception = record
        self._set_status_on_exception = set_status

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Record an exception that leaves `with span:`, and end the span."""
        if exc_val is not None:
            record, set_status = self._record_exception, self._set_status_on_exception
            self.record_error(exc_val, record=record, set_status=set_status, escaped=True)
        self.end()
