"""Snapshot an exception without its frames: the traceback is formatted later, off the request's thread."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import TracebackException
from types import TracebackType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, SpanLimits
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_ESCAPED,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)

_MAX_LAZY_FRAMES = 100
_INNERMOST_FRAMES = 64
"""Frames of some 200 bytes each. A deeper stack is formatted at once: repeated frames collapse to a shorter text."""


class ExceptionSnapshot:
    """An exception and its causes with their tracebacks, without frames or local variables.

    `exception` has at least the innermost 64 frames.
    """

    __slots__ = ("_text", "exception")

    def __init__(self, error: BaseException | None, traceback: TracebackType | None) -> None:
        # Source lines, the slow part, are looked up when formatting. Not compact: Rollbar shows every context.
        self.exception = TracebackException(type(error), error, traceback, lookup_lines=False, compact=False)  # type: ignore[arg-type]  # `logging` passes None where there is no exception
        self._text: str | None = None
        if sum(1 + len(each.stack) for each in _chain(self.exception)) > _MAX_LAZY_FRAMES:
            self.text()
            for each in _chain(self.exception):
                del each.stack[:-_INNERMOST_FRAMES]

    def text(self) -> str:
        """Return the traceback as Python prints it."""
        text = self._text
        if text is None:
            text = self._text = "".join(self.exception.format())
        return text


def _chain(error: TracebackException) -> Iterator[TracebackException]:
    pending: list[TracebackException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None:
            yield each
            pending += (each.__cause__, each.__context__, *(each.exceptions or ()))


class ExceptionEvent(Event):
    """The event of `Span.record_exception`, with the traceback formatted when the event is exported."""

    def __init__(self, error: BaseException, snapshot: ExceptionSnapshot, limits: SpanLimits) -> None:
        super().__init__("exception")
        kind = type(error)
        is_qualified = kind.__module__ not in ("builtins", None)
        self._kind = f"{kind.__module__}.{kind.__qualname__}" if is_qualified else kind.__qualname__
        self._message = str(error)
        self._snapshot = snapshot
        self._limits = limits

    @property
    def attributes(self) -> Any:  # noqa: ANN401 - as the SDK has it
        """The type, message and traceback ("Semantic conventions for exceptions on spans", OpenTelemetry)."""
        if self._attributes is None:
            attributes = {
                EXCEPTION_TYPE: self._kind,
                EXCEPTION_MESSAGE: self._message,
                EXCEPTION_STACKTRACE: self._snapshot.text(),
                EXCEPTION_ESCAPED: "False",
            }
            limits = self._limits
            self._attributes = BoundedAttributes(
                limits.max_event_attributes, attributes, max_value_len=limits.max_attribute_length
            )
        return self._attributes
