"""Snapshot an exception without its frames: the traceback is formatted later, off the request's thread.

A snapshot is bounded and redacted: its messages and notes are cut before anything is formatted, and of many causes or
of a large group it has the first few.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from sys import getsizeof
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

from service.telemetry.redaction import NO_SECRETS, Redactor
from service.telemetry.redaction.limits import CUT

_MAX_LAZY_FRAMES = 100
_INNERMOST_FRAMES = 64
"""Frames of some 200 bytes each. A deeper stack is formatted at once: repeated frames collapse to a shorter text."""
_MAX_EXCEPTIONS = 16
"""Exceptions of a snapshot: of a chain of causes, and of groups, together."""
_MAX_NOTES = 16
_MAX_NOTE = 1_024
MAX_TRACEBACK = 32 * 1024
"""Characters of a traceback's text. Its end is kept, where the exception is."""
_SIZE = 1_000
_FRAME_SIZE = 250
"""Bytes of an exception and of a frame."""


class ExceptionSnapshot:
    """An exception and its causes with their tracebacks, without frames or local variables.

    `exception` has at least the innermost 64 frames. `message` is its text.
    """

    __slots__ = ("_text", "exception", "message", "size")

    def __init__(
        self, error: BaseException | None, traceback: TracebackType | None, redact: Redactor = NO_SECRETS
    ) -> None:
        try:
            self.exception = _Builder(redact).build(error, traceback)
        except Exception:  # noqa: BLE001 - an exception's own properties may raise anything
            self.exception = _single(RuntimeError(f"a {type(error).__name__} that could not be read"), None, redact)
        self.message = str(self.exception)
        self._text: str | None = None
        chain = list(_chain(self.exception))
        if sum(1 + len(each.stack) for each in chain) > _MAX_LAZY_FRAMES:
            self.text()
            for each in chain:
                del each.stack[:-_INNERMOST_FRAMES]
        self.size = sum(_SIZE + getsizeof(str(each)) + _FRAME_SIZE * len(each.stack) for each in chain)
        """An estimate of the bytes that it keeps alive."""

    def text(self) -> str:
        """Return the traceback as Python prints it."""
        text = self._text
        if text is None:
            text = "".join(self.exception.format())
            if len(text) > MAX_TRACEBACK:
                text = CUT + text[1 - MAX_TRACEBACK :]
            self._text = text
        return text


class _Builder:
    """Build what `TracebackException` shows of an exception, with the first of its causes and members alone."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._seen: set[int] = set()
        self._pending: list[tuple[TracebackException, BaseException]] = []

    def build(self, error: BaseException | None, traceback: TracebackType | None) -> TracebackException:
        """Return the snapshot of `error`, with its causes and members."""
        top = _single(error, traceback, self._redact)
        if error is not None:
            self._seen.add(id(error))
            self._pending.append((top, error))
        for snapshot, source in self._pending:
            self._add_related(snapshot, source)
        return top

    def _add_related(self, snapshot: TracebackException, error: BaseException) -> None:
        snapshot.__cause__ = self._add(error.__cause__)
        snapshot.__context__ = self._add(error.__context__)
        count = 0
        if isinstance(error, BaseExceptionGroup):
            members = [self._add(each) for each in islice(error.exceptions, _MAX_EXCEPTIONS)]
            snapshot.exceptions = [each for each in members if each is not None]
            count = len(error.exceptions) - len(snapshot.exceptions)
        related = (error.__cause__, error.__context__)
        count += len([each for each in related if each is not None and id(each) not in self._seen])
        if count:
            snapshot.__notes__ = [
                *(snapshot.__notes__ or ()),
                f"{CUT} {count} exceptions and their causes are left out",
            ]

    def _add(self, error: BaseException | None) -> TracebackException | None:
        if error is None or id(error) in self._seen or len(self._seen) >= _MAX_EXCEPTIONS:
            return None
        self._seen.add(id(error))
        snapshot = _single(error, error.__traceback__, self._redact)
        self._pending.append((snapshot, error))
        return snapshot


def type_name(error: TracebackException) -> str:
    """Return the name of the exception's class, without its module."""
    if sys.version_info >= (3, 13):  # where reading `exc_type` warns
        return error.exc_type_str.rpartition(".")[2]
    return getattr(error.exc_type, "__name__", "Exception")


def _single(error: BaseException | None, traceback: TracebackType | None, redact: Redactor) -> TracebackException:
    """Return `error` alone. Source lines, the slow part, are looked up when formatting."""
    # `_seen` is not documented: with it, the constructor does not follow causes and groups, which may be endless.
    single = TracebackException(type(error), error, traceback, lookup_lines=False, compact=False, _seen=set())  # type: ignore[arg-type]  # `logging` passes None where there is no exception
    single.__cause__ = single.__context__ = single.exceptions = None
    single._str = redact.text(single._str)  # type: ignore[attr-defined]  # not documented: the message
    notes = single.__notes__
    if notes is not None:
        notes = notes if isinstance(notes, list | tuple) else [notes]
        single.__notes__ = [redact.text(_printed(note), _MAX_NOTE) for note in notes[:_MAX_NOTES]]
    if isinstance(error, SyntaxError):
        for name in ("text", "msg", "filename"):
            if isinstance(value := getattr(single, name), str):
                setattr(single, name, redact.text(value))
    return single


def _chain(error: TracebackException) -> Iterator[TracebackException]:
    pending: list[TracebackException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None:
            yield each
            pending += (each.__cause__, each.__context__, *(each.exceptions or ()))


def _printed(note: object) -> str:
    try:
        return str(note)
    except Exception:  # noqa: BLE001 - any object may be a note
        return "(could not be read)"


class ExceptionEvent(Event):
    """The event of `Span.record_exception`, with the traceback formatted when the event is exported."""

    def __init__(
        self,
        error: BaseException,
        snapshot: ExceptionSnapshot,
        limits: SpanLimits,
        *,
        further: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        super().__init__("exception", timestamp=timestamp)
        kind = type(error)
        is_qualified = kind.__module__ not in ("builtins", None)
        self._kind = f"{kind.__module__}.{kind.__qualname__}" if is_qualified else kind.__qualname__
        self._snapshot = snapshot
        self._limits = limits
        self._further = further or {}
        self._escaped = str(escaped)

    @property
    def attributes(self) -> Any:  # noqa: ANN401 - as the SDK has it
        """The type, message and traceback ("Semantic conventions for exceptions on spans", OpenTelemetry)."""
        if self._attributes is None:
            attributes = {
                EXCEPTION_TYPE: self._kind,
                EXCEPTION_MESSAGE: self._snapshot.message,
                EXCEPTION_STACKTRACE: self._snapshot.text(),
                EXCEPTION_ESCAPED: self._escaped,
                **self._further,
            }
            limits = self._limits
            self._attributes = BoundedAttributes(
                limits.max_event_attributes, attributes, max_value_len=limits.max_attribute_length
            )
        return self._attributes
