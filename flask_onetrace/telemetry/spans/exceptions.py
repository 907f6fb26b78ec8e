"""Snapshot an exception without its frames: the traceback is formatted later, off the request's thread.

A snapshot is bounded and redacted: its messages and notes are cut before anything is formatted, and of many causes or
of a large group it has the first few.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
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

from flask_onetrace.telemetry.plain import UNREADABLE, ends_process, prints_long, text, type_name, utf8
from flask_onetrace.telemetry.redaction import NO_SECRETS, Redactor
from flask_onetrace.telemetry.redaction.limits import CUT, MAX_NAME

_MAX_LAZY_FRAMES = 100
_INNERMOST_FRAMES = 64
"""Frames of some 200 bytes each. A deeper stack is formatted at once: repeated frames collapse to a shorter text."""
_MAX_EXCEPTIONS = 16
"""Exceptions of a snapshot: of a chain of causes, and of groups, together."""
_MAX_NOTES = 16
_MAX_NOTE = 1_024
MAX_TRACEBACK = 32 * 1024
"""Characters of a traceback's text. Its end is kept, where the exception is."""
_CAUSE, _CONTEXT, _TRACEBACK = (
    BaseException.__dict__[name].__get__ for name in ("__cause__", "__context__", "__traceback__")
)
_ARGUMENTS = BaseException.__dict__["args"].__get__
_MEMBERS = BaseExceptionGroup.__dict__["exceptions"].__get__
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
        except BaseException as failure:  # an exception's own properties may raise anything
            if ends_process(failure):
                raise
            unreadable = RuntimeError(f"a {type_name(error)} that could not be read")
            self.exception = _single(unreadable, traceback, redact)
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
            try:
                text = utf8("".join(self.exception.format()))
            except Exception:  # noqa: BLE001 - a SyntaxError's own line and column may be anything
                text = f"{self.message} (its traceback could not be formatted)"
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
        # By the base class's own members: an exception may have properties of these names.
        related = _CAUSE(error), _CONTEXT(error)
        snapshot.__cause__, snapshot.__context__ = map(self._add, related)
        count = 0
        if issubclass(type(error), BaseExceptionGroup):
            exceptions = _MEMBERS(error)
            members = [self._add(each) for each in exceptions[:_MAX_EXCEPTIONS]]
            snapshot.exceptions = [each for each in members if each is not None]
            count = len(exceptions) - len(snapshot.exceptions)
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
        snapshot = _single(error, traceback_of(error), self._redact)
        self._pending.append((snapshot, error))
        return snapshot


def snapshot_type_name(error: TracebackException) -> str:
    """Return the name of the exception's class, without its module."""
    if sys.version_info >= (3, 13):  # where reading `exc_type` warns
        return error.exc_type_str.rpartition(".")[2]
    return getattr(error.exc_type, "__name__", "Exception")


def _single(error: BaseException | None, traceback: TracebackType | None, redact: Redactor) -> TracebackException:
    """Return `error` alone. Source lines, the slow part, are looked up when formatting."""
    try:
        if error is not None and prints_much(error):
            single = _bare(*_substitute(error), traceback)
        else:
            single = _bare(type(error), error, traceback)
    except BaseException as failure:  # the constructor reads attributes that may be the application's properties
        if ends_process(failure) or error is None:
            raise
        single = _bare(*_substitute(error), traceback)
    single.__cause__ = single.__context__ = single.exceptions = None
    single._str = redact.text(single._str)  # type: ignore[attr-defined]  # not documented: the message
    single.__notes__ = _notes(error, redact)
    for name in ("text", "msg", "filename"):  # of a SyntaxError
        if (value := getattr(single, name, None)) is not None:
            setattr(single, name, redact.text(value))
    return single


def _bare(kind: Any, error: BaseException | None, traceback: TracebackType | None) -> TracebackException:  # noqa: ANN401 - `logging` passes None where there is no exception
    # `_seen` is not documented: with it, the constructor does not follow causes and groups, which may be endless.
    return TracebackException(kind, error, traceback, lookup_lines=False, compact=False, _seen=set())  # type: ignore[arg-type]  # as above


def _substitute(error: BaseException) -> tuple[type[Exception], Exception]:
    """Return an exception with the name of `error` and the beginning of its message, and with nothing else of it."""
    kind = type(error)
    names = {name: text(getattr(kind, name, ""))[:MAX_NAME] for name in ("__module__", "__qualname__")}
    substitute = type(type_name(error), (Exception,), names)
    return substitute, substitute(message_of(error))


def prints_much(error: BaseException) -> bool:
    """Return whether the message of `error` would show far too much of its arguments."""
    return prints_long(_ARGUMENTS(error))


def message_of(error: BaseException) -> str:
    """Return the message of `error`, or the beginning of its arguments where that would be too long. Never raises."""
    if not prints_much(error):
        return text(error)
    shown = NO_SECRETS.copier(text).value(_ARGUMENTS(error))
    return text(shown[0] if len(shown) == 1 else shown)


def _notes(error: BaseException | None, redact: Redactor) -> list[str] | None:
    """Return the first notes as text."""
    try:
        notes = getattr(error, "__notes__", None)
        if notes is None:
            return None
        if not issubclass(type(notes), list | tuple):
            notes = [notes]
        return [redact.text(note, _MAX_NOTE) for note in islice(notes, _MAX_NOTES)]
    except BaseException as failure:
        if ends_process(failure):
            raise
        return [UNREADABLE]


def _chain(error: TracebackException) -> Iterator[TracebackException]:
    pending: list[TracebackException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None:
            yield each
            pending += (each.__cause__, each.__context__, *(each.exceptions or ()))


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback of `error`, whatever its class makes of the attribute."""
    traceback: TracebackType | None = _TRACEBACK(error)
    return traceback


@lru_cache(maxsize=256)
def _qualified_name(kind: type) -> str:
    """Return the name by which the conventions know the class, with its module unless that is Python's own."""
    module, name = (text(getattr(kind, each, None))[:MAX_NAME] for each in ("__module__", "__qualname__"))
    return name if module in {"builtins", "None"} else f"{module}.{name}"


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
        self._kind = _qualified_name(type(error))  # type: ignore[arg-type]  # a class can be hashed
        self.snapshot = snapshot
        self._limits = limits
        self._further = further or {}
        self._escaped = text(escaped)

    @property
    def attributes(self) -> Any:  # noqa: ANN401 - as the SDK has it
        """The type, message and traceback ("Semantic conventions for exceptions on spans", OpenTelemetry)."""
        if self._attributes is None:
            attributes = {
                EXCEPTION_TYPE: self._kind,
                EXCEPTION_MESSAGE: self.snapshot.message,
                EXCEPTION_STACKTRACE: self.snapshot.text(),
                EXCEPTION_ESCAPED: self._escaped,
                **self._further,
            }
            limits = self._limits
            self._attributes = BoundedAttributes(
                limits.max_event_attributes, attributes, max_value_len=limits.max_attribute_length
            )
        return self._attributes
