"""Bound and redact what is set on a span: its name, attributes, events, links and status."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from sys import getsizeof
from time import time_ns
from types import MappingProxyType
from typing import Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, EventBase, Span, SpanLimits
from opentelemetry.trace.status import Status, StatusCode

from service.telemetry.plain import INTEGERS, ends_process, nanoseconds, text, type_name
from service.telemetry.redaction import REDACTED, SHORT
from service.telemetry.redaction.copies import Copier, hidden
from service.telemetry.redaction.limits import MAX_NAME, MAX_TEXTS
from service.telemetry.safe_logging import safe_logger
from service.telemetry.spans.calls import take_call
from service.telemetry.spans.exceptions import ExceptionEvent, ExceptionSnapshot, traceback_of
from service.telemetry.spans.provider import SpanProvider
from service.telemetry.spans.unsampled import OUTGOING

logger = safe_logger(__name__)

_PLAIN_SIZE = 1_300
"""Bytes that a span with a few short attributes keeps alive."""
_SHORT_TEXTS = 500
"""Characters in all attributes of a span with short ones."""
LARGE = _PLAIN_SIZE + _SHORT_TEXTS
"""The size from which on a span keeps more alive than a few short texts."""
_EVENT_SIZE = 500
_INTERNAL = trace.SpanKind.INTERNAL
_MAX_TRACE_ID, _MAX_SPAN_ID = 2**128 - 1, 2**64 - 1
_NOTHING: Mapping[str, str] = MappingProxyType({})
_MAX_SIZE = 4 * MAX_TEXTS
"""Bytes of events and links, beyond which further ones have no attributes."""


class BoundedSpan(Span):
    """The part of a span that takes what application code hands in.

    Events, links and status are redacted when they are added, name and attributes once, when the span ends.
    """

    provider: SpanProvider
    # Class attributes hold what most spans never set.
    _events: Any = ()
    _links: Any = ()
    _end_time: int | None = None
    _attributes: Any
    size = _PLAIN_SIZE
    """An estimate of the bytes that it keeps alive."""
    keeps_name = False
    """Whether the application has named it, though it is a call: it is not named after the call."""

    @property
    def _limits(self) -> SpanLimits:
        return self.provider.limits

    def _copier(self) -> Copier:
        return self.provider.redact.copier(text, self.provider.max_text, strict=True)

    def _bounded_attributes(self) -> BoundedAttributes:
        """Return the SDK's collection, which has the attributes from now on."""
        current = self._attributes
        if isinstance(current, BoundedAttributes):
            return current
        limits = self.provider.limits
        bounded = BoundedAttributes(
            limits.max_span_attributes, current, immutable=False, max_value_len=limits.max_span_attribute_length
        )
        self._attributes = bounded
        return bounded

    def _time_or_now(self, time: Any) -> int:  # noqa: ANN401 - any value
        """Return a time in nanoseconds since the epoch; in place of any other value, counted and logged, now."""
        checked = nanoseconds(time)
        if checked is not None:
            return checked
        self._bounded_attributes().dropped += 1
        logger.warning("a time of type %s is replaced by now: spans take nanoseconds since 1970", type_name(time))
        return time_ns()

    def _redact(self) -> None:
        """Replace the secrets in name and attributes, and cut what is too long: once, when the span ends."""
        taken = self._take_call() if self._kind is not _INTERNAL else _NOTHING
        redact, attributes, name = self.provider.redact, self._attributes, self._name
        # A short text is looked up without a further call: most spans have nothing else.
        is_short = type(name) is str and len(name) <= SHORT  # most are: they take no further call
        self._name = redact.short_text(name) if is_short else redact.text(name, MAX_NAME)
        if type(attributes) is not dict:
            self._redact_all()
        elif attributes:
            copy = redact.small_copy(attributes)
            if copy is not None:
                self._attributes = copy
            else:
                self._redact_plain(attributes)
        for key, value in taken.items():
            self._attributes[key] = value
            self.size += len(value)

    def _take_call(self) -> Mapping[str, str]:
        """Name the span after its call, and take the attributes that are set when the others have been redacted."""
        if type(self._kind) is not trace.SpanKind:
            self._kind = _INTERNAL
        elif self._kind in OUTGOING:
            name, taken = take_call(self._name, self._attributes, self._status, self.provider)
            if not self.keeps_name:
                self._name = name
            return taken
        return _NOTHING

    def become_call(self, *, keeps_name: bool) -> None:
        """Make the span a client's: the code that it spans has turned out to be a call."""
        if self._kind is _INTERNAL:
            self._kind = trace.SpanKind.CLIENT
        self.keeps_name = keeps_name

    def _redact_plain(self, attributes: dict[str, Any]) -> None:
        redact, limit = self.provider.redact, self.provider.max_text
        size = 0
        for key, value in tuple(attributes.items()):  # another thread may be about to set one
            redaction = redact.of(key) if len(key) <= MAX_NAME else None
            kind = type(value)
            if redaction is None or (kind is int and value not in INTEGERS):
                self._redact_all()
                return
            if kind is str:
                if (shown := redaction(value, limit)) is not value:
                    attributes[key] = shown
                size += len(shown)
            elif redaction is hidden and kind is not bool:
                attributes[key] = REDACTED
        if size > MAX_TEXTS:
            self._redact_all()
        else:
            # A character takes up to four bytes, which is counted only where texts are long enough to matter.
            self.size += size if size < _SHORT_TEXTS else sum(map(getsizeof, attributes.values()))

    def _redact_all(self) -> None:
        """Copy the attributes, names included, as far as the limit of all texts together allows."""
        attributes, copier = self._attributes, self._copier()
        self._attributes = _copy_of(attributes, copier, immutable=False)
        self._attributes.dropped += getattr(attributes, "dropped", 0)
        self.size += copier.size

    def _part_attributes(self, attributes: Any, limit: int | None) -> BoundedAttributes:  # noqa: ANN401 - any value
        """Return the attributes of an event or link as they are kept."""
        self.size += _EVENT_SIZE
        if attributes is None or self.size > _MAX_SIZE:
            return BoundedAttributes()
        copier = self._copier()
        copy = _copy_of(attributes, copier, limit, self._limits.max_attribute_length)
        self.size += copier.size
        return copy

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:  # noqa: ANN401 - as the API has it
        """Add an event."""
        if self._end_time is None:
            copy = self._part_attributes(attributes, self._limits.max_event_attributes)
            time = None if timestamp is None else self._time_or_now(timestamp)
            self._add_event(Event(self.provider.redact.text(name, MAX_NAME), copy, time))

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status. A description that is no text, as an exception, is shown as text."""
        code: Any = status
        if issubclass(type(code), Status):  # by its type: a value may raise when it is asked for its class
            # A description beside a `Status` is ignored, as the SDK does.
            code, description = code.status_code, code.description
        if type(code) is StatusCode:
            super().set_status(code, None if code is not StatusCode.ERROR else self._description(description))

    def _description(self, description: object) -> str | None:
        return None if description is None else self.provider.redact.text(description, self.provider.max_text) or None

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,  # noqa: ANN401 - as the API has it
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - the same
    ) -> None:
        """Add the event of an exception; its traceback is formatted later."""
        if self._end_time is None and issubclass(type(exception), BaseException):
            snapshot = ExceptionSnapshot(exception, traceback_of(exception), self.provider.redact)
            self._add_exception(exception, snapshot, attributes, timestamp, escaped=escaped)

    def _add_exception(
        self,
        error: BaseException,
        snapshot: ExceptionSnapshot,
        attributes: Any = None,  # noqa: ANN401 - as above
        timestamp: int | None = None,
        *,
        escaped: bool = False,
    ) -> None:
        further = self._part_attributes(attributes, self._limits.max_event_attributes)
        self.size += snapshot.size
        time = None if timestamp is None else self._time_or_now(timestamp)
        event = ExceptionEvent(error, snapshot, self._limits, further=further, timestamp=time, escaped=escaped)
        self._add_event(event)

    def _add_event(self, event: EventBase) -> None:
        """Add an event, bounded as the SDK bounds it."""
        if not self._events:
            self._events = self._new_events()  # type: ignore[no-untyped-call]  # the SDK's own
        super()._add_event(event)

    def add_links(self, links: Any) -> None:  # noqa: ANN401 - any value
        """Add links, as far as they can be read."""
        try:
            for link in islice(links, self._limits.max_links):
                self.add_link(link.context, link.attributes)
        except BaseException as error:
            if ends_process(error):
                raise
            self._bounded_attributes().dropped += 1
            logger.warning("links of type %s could not be read", type_name(links))

    def add_link(self, context: trace.SpanContext, attributes: Any = None) -> None:  # noqa: ANN401 - as the API has it
        """Add a link, bounded as the SDK bounds it. A context that is none, or whose ids cannot be sent, is dropped."""
        if type(self._links) is tuple:
            self._links = self._new_links(())
        if not _is_encodable(context):
            self._links.dropped += 1
            self._bounded_attributes()  # a span with a plain dict has nothing dropped
            logger.warning("a link to a span context of type %s is left out: it has no valid ids", type_name(context))
        elif context.is_valid or attributes is not None or context.trace_state:
            self._add_link(trace.Link(context, self._part_attributes(attributes, self._limits.max_link_attributes)))

    def record_error(
        self,
        error: BaseException,
        *,
        record: bool = True,
        set_status: bool = True,
        snapshot: ExceptionSnapshot | None = None,
        escaped: bool = False,
    ) -> None:
        """Record an exception that left the span, as `opentelemetry.trace.use_span` does: an event, and a status."""
        if not self.is_recording():
            return
        snapshot = snapshot or ExceptionSnapshot(error, traceback_of(error), self.provider.redact)
        if record:
            self._add_exception(error, snapshot, escaped=escaped)
        if set_status:
            self.set_status(StatusCode.ERROR, f"{type_name(error)}: {snapshot.message}")


def _copy_of(
    attributes: Any,  # noqa: ANN401 - any value: what is no mapping counts as one that was dropped
    copier: Copier,
    limit: int | None = None,
    max_length: int | None = None,
    *,
    immutable: bool = True,
) -> BoundedAttributes:
    """Return a copy of `attributes` that every sink can encode; what cannot be encoded is left out, and counted."""
    copy = BoundedAttributes(limit, copier.mapping(attributes), immutable=immutable, max_value_len=max_length)
    copy.dropped += copier.dropped if issubclass(type(attributes), Mapping) else 1
    return copy


def _is_encodable(context: Any) -> bool:  # noqa: ANN401 - any value
    """Return whether the ids of a span context are numbers that fit into their 16 and 8 bytes."""
    if type(context) is not trace.SpanContext:
        return False
    ids = (context.trace_id, _MAX_TRACE_ID), (context.span_id, _MAX_SPAN_ID)
    return all(type(value) is int and 0 <= value <= limit for value, limit in ids)
