"""Bound and redact what is set on a span: its name, attributes, events, links and status."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import EventBase, Span, SpanLimits
from opentelemetry.trace.status import Status, StatusCode

from service.telemetry.redaction import REDACTED, SHORT
from service.telemetry.redaction.copies import Copier, hidden, unchanged
from service.telemetry.redaction.limits import MAX_NAME, MAX_TEXTS
from service.telemetry.spans.exceptions import ExceptionEvent, ExceptionSnapshot
from service.telemetry.spans.provider import SpanProvider

_PLAIN_SIZE = 1_300
"""Bytes that a span with a few short attributes keeps alive."""
_SHORT_TEXTS = 500
"""Characters in all attributes of a span with short ones."""
LARGE = _PLAIN_SIZE + _SHORT_TEXTS
"""The size from which on a span keeps more alive than a few short texts."""
_EVENT_SIZE = 500
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

    @property
    def _limits(self) -> SpanLimits:
        return self.provider.limits

    def _copier(self) -> Copier:
        return self.provider.redact.copier(unchanged, self.provider.max_text)

    def _redact(self) -> None:
        """Replace the secrets in name and attributes, and cut what is too long: once, when the span ends."""
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

    def _redact_plain(self, attributes: dict[str, Any]) -> None:
        redact, limit = self.provider.redact, self.provider.max_text
        size = 0
        for key, value in tuple(attributes.items()):  # another thread may be about to set one
            redaction = redact.of(key) if len(key) <= MAX_NAME else None
            if redaction is None:
                self._redact_all()
                return
            if type(value) is str:
                if (text := redaction(value, limit)) is not value:
                    attributes[key] = text
                size += len(text)
            elif redaction is hidden and type(value) is not bool:
                attributes[key] = REDACTED
        if size > MAX_TEXTS:
            self._redact_all()
        else:
            # A character takes up to four bytes, which is counted only where texts are long enough to matter.
            self.size += size if size < _SHORT_TEXTS else sum(map(getsizeof, attributes.values()))

    def _redact_all(self) -> None:
        """Copy the attributes, names included, as far as the limit of all texts together allows."""
        attributes, copier = self._attributes, self._copier()
        copy = BoundedAttributes(None, copier.mapping(attributes), immutable=False)
        copy.dropped = getattr(attributes, "dropped", 0)
        self._attributes = copy
        self.size += copier.size

    def _event_attributes(self, attributes: Any) -> Any:  # noqa: ANN401 - as the API has it
        """Return the attributes of an event or link as they are kept."""
        self.size += _EVENT_SIZE
        if not attributes or self.size > _MAX_SIZE:
            return None
        copier = self._copier()
        copy = copier.mapping(attributes)
        self.size += copier.size
        return copy

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:  # noqa: ANN401 - as the API has it
        """Add an event."""
        if self._end_time is None:
            name = self.provider.redact.text(name, MAX_NAME)
            super().add_event(name, self._event_attributes(attributes), timestamp)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status."""
        if isinstance(status, Status) and status.description:
            status = Status(status.status_code, self._text(status.description))
        super().set_status(status, self._text(description) if description else description)

    def _text(self, text: str) -> str:
        return self.provider.redact.text(text, self.provider.max_text)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,  # noqa: ANN401 - as the API has it
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - the same
    ) -> None:
        """Add the event of an exception; its traceback is formatted later."""
        if self._end_time is None:
            snapshot = ExceptionSnapshot(exception, exception.__traceback__, self.provider.redact)
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
        further = self._event_attributes(attributes)
        self.size += snapshot.size
        self._add_event(
            ExceptionEvent(error, snapshot, self._limits, further=further, timestamp=timestamp, escaped=escaped)
        )

    def _add_event(self, event: EventBase) -> None:
        """Add an event, bounded as the SDK bounds it."""
        if not self._events:
            self._events = self._new_events()  # type: ignore[no-untyped-call]  # the SDK's own
        super()._add_event(event)

    def add_link(self, context: trace.SpanContext, attributes: Any = None) -> None:  # noqa: ANN401 - as the API has it
        """Add a link, bounded as the SDK bounds it."""
        if not self._links:
            self._links = self._new_links(())
        super().add_link(context, self._event_attributes(attributes))

    def record_error(
        self,
        error: BaseException,
        *,
        record: bool = True,
        set_status: bool = True,
        snapshot: ExceptionSnapshot | None = None,
    ) -> None:
        """Record an exception that left the span, as `opentelemetry.trace.use_span` does: an event, and a status."""
        if not self.is_recording():
            return
        snapshot = snapshot or ExceptionSnapshot(error, error.__traceback__, self.provider.redact)
        if record:
            self._add_exception(error, snapshot)
        if set_status:
            self.set_status(StatusCode.ERROR, f"{type(error).__name__}: {snapshot.message}")
