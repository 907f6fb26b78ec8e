"""Redact and truncate local variables before Rollbar's SDK does: it traverses all items to show the first ten."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from itertools import islice
from time import monotonic
from typing import Any

from rollbar import DEFAULT_LOCALS_SIZES

from flask_onetrace.telemetry.plain import UNREADABLE, ends_process
from flask_onetrace.telemetry.redaction import REDACTED, Redactor
from flask_onetrace.telemetry.redaction.copies import hidden
from flask_onetrace.telemetry.redaction.limits import CUT, MAX_NAME, MAX_TEXT

_MAX_DEPTH = DEFAULT_LOCALS_SIZES["maxlevel"]
_MAX_ITEMS = DEFAULT_LOCALS_SIZES["maxlist"] + 1
"""What the SDK shows of a collection, and one more, which makes it say that there is more."""
_LISTS = (list, deque, range, bytearray, memoryview, array)
_MAX_VALUES = 20_000
_MAX_SECONDS = 1.0
"""What one item shows of all local variables of all its frames, and how long reading them may take."""


class _Budget:
    """What may still be shown of the local variables of one item."""

    def __init__(self) -> None:
        self._values = _MAX_VALUES
        self._deadline = monotonic() + _MAX_SECONDS

    def spend(self) -> bool:
        """Return whether one more value may be shown."""
        self._values -= 1
        return self._values >= 0 and monotonic() < self._deadline


_budget: ContextVar[_Budget | None] = ContextVar("rollbar-local-variables", default=None)


def begin_item() -> None:
    """Give the item that is about to be built a budget of its own."""
    _budget.set(_Budget())


def end_item() -> None:
    """Forget the budget of the item that has been built."""
    _budget.set(None)


def bounded(serialize: Callable[[Any], Any], redactor: Callable[[], Redactor]) -> Callable[[Any], Any]:
    """Return `serialize`, which shows one local variable, so that a large one costs little and looks the same.

    Secrets are redacted before the SDK shortens texts.
    """

    def serialize_bounded(value: object) -> Any:  # noqa: ANN401 - the SDK's own result
        try:
            return serialize(_Truncator(redactor(), _budget.get() or _Budget()).truncate(value, 0))
        except BaseException as error:  # another thread may change it, and an application's own class do anything
            if ends_process(error):
                raise
            return UNREADABLE

    return serialize_bounded


class _Truncator:
    """Copy the first items of nested collections. A collection that appears several times is one in the copy too."""

    def __init__(self, redact: Redactor, budget: _Budget) -> None:
        self._redact = redact
        self._budget = budget
        self._copies: dict[int, Any] = {}

    def truncate(self, value: Any, depth: int) -> Any:  # noqa: ANN401, PLR0911 - any local variable, one return a kind
        """Return `value`, or a copy of a collection's beginning."""
        if id(value) in self._copies:
            return self._copies[id(value)]
        if not self._budget.spend():
            return CUT
        if isinstance(value, str | bytes):
            return self._text(value)
        if isinstance(value, dict):
            copy: dict[Any, Any] = {}
            self._copies[id(value)] = copy
            copy.update(self._member(key, value[key], depth) for key in islice(value, self._count(depth)))
            return copy
        if isinstance(value, _LISTS):
            items: list[Any] = []
            self._copies[id(value)] = items
            items.extend(self._items(value, depth))
            return items
        if isinstance(value, tuple | set):
            return self._copies.setdefault(id(value), self._tuple_or_set(value, depth))
        return value

    def _text(self, value: str | bytes) -> str | bytes:
        if isinstance(value, str):
            return self._redact.text(value)
        return self._redact.text(value[:MAX_TEXT].decode("latin-1")).encode("latin-1", "replace")

    def _tuple_or_set(self, value: Any, depth: int) -> Any:  # noqa: ANN401 - as above
        if hasattr(value, "_fields"):  # a named tuple
            fields = islice(zip(value._fields, value, strict=False), self._count(depth))
            return dict(self._member(name, each, depth) for name, each in fields)
        return (tuple if isinstance(value, tuple) else set)(self._items(value, depth))

    def _member(self, name: Any, value: Any, depth: int) -> tuple[Any, Any]:  # noqa: ANN401 - any dict's
        if not isinstance(name, str):
            return name, self.truncate(value, depth + 1)
        shown_name, redaction = self._redact.text(name, MAX_NAME), self._redact.of_any(name[-MAX_NAME:])
        if redaction is hidden and value is not None and type(value) is not bool:
            return shown_name, REDACTED
        shown = redaction(value, MAX_TEXT) if isinstance(value, str) else self.truncate(value, depth + 1)
        return shown_name, shown

    def _items(self, value: Collection[Any], depth: int) -> Iterator[Any]:
        return (self.truncate(each, depth + 1) for each in islice(value, self._count(depth)))

    def _count(self, depth: int) -> int:
        return _MAX_ITEMS if depth <= _MAX_DEPTH else 0
