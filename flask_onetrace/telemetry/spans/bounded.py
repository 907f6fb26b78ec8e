"""Bound and redact what is added to a span: its events, links and status."""

from __future__ import annotations

from itertools import islice
from typing import Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, EventBase
from opentelemetry.trace.status import Status, StatusCode

from flask_onetrace.telemetry.plain import ends_process, type_name
from flask_onetrace.telemetry.redaction.limits import MAX_NAME, MAX_TEXTS
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.exceptions import ExceptionEvent, ExceptionSnapshot, traceback_of
from flask_onetrace.telemetry.spans.redacted import RedactedSpan, copy_of

logger = safe_logger(__name__)

_EVENT_SIZE = 500
_MAX_TRACE_ID, _MAX_SPAN_ID = 2**128 - 1, 2**64 - 1
_MAX_SIZE = 4 * MAX_TEXTS
"""Bytes of events and links, beyond which further ones have no attributes."""


class BoundedSpan(RedactedSpan):
    """The part of a span that takes events, links and a status, which are redacted when they are added."""

    # Class attributes hold what most spans never set.
    _events: Any = ()
    _links: Any = ()

    def _part_attributes(self, attributes: Any, limit: int | None) -> BoundedAttributes:  # noqa: ANN401 - any value
        """Return the attributes of an event or link as they are kept."""
        self.size += _EVENT_SIZE
        if attributes is None or self.size > _MAX_SIZE:
            return BoundedAttributes()
        copier = self._copier()
        copy = copy_of(attributes, copier, limit, self._limits.max_attribute_length)
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


def _is_encodable(context: Any) -> bool:  # noqa: ANN401 - any value
    """Return whether the ids of a span context are numbers that fit into their 16 and 8 bytes."""
    if type(context) is not trace.SpanContext:
        return False
    ids = (context.trace_id, _MAX_TRACE_ID), (context.span_id, _MAX_SPAN_ID)
    return all(type(value) is int and 0 <= value <= limit for value, limit in ids)
