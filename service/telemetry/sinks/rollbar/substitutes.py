"""Stand in for exceptions that cannot be shown as they are: too many frames, no frames, a `__str__` that raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from traceback import StackSummary, TracebackException
from types import TracebackType
from typing import Any

from service.telemetry.export.safe_json import text

_OUTER = 16
_INNER = 48
"""Frames kept of a deep stack, from its beginning and from where it was raised."""
_MAX_CHAIN = 8
_MAX_MESSAGE = 10_000

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def is_long(error: BaseException, traceback: TracebackType | None) -> bool:
    """Return whether the SDK would be long about `error`: it walks, and shows, every frame and every cause."""
    chain = list(islice(_chain(error), _MAX_CHAIN + 1))
    tracebacks = [traceback, *(each.__traceback__ for each in chain[1:])]
    return len(chain) > _MAX_CHAIN or any(_is_deep(each) for each in tracebacks)


def shortened(error: BaseException, traceback: TracebackType | None) -> ExcInfo:
    """Return exceptions of the same names, texts and outermost and innermost frames, chained as `error` is."""
    chain = list(islice(_chain(error), _MAX_CHAIN))
    tracebacks = [traceback, *(each.__traceback__ for each in chain[1:])]
    return _link(
        (type(each).__name__, text(each), _cut(frames)) for each, frames in zip(chain, tracebacks, strict=True)
    )


def without_frames(told: TracebackException) -> tuple[ExcInfo, dict[str, Any]]:
    """Return exceptions of the same names and texts, and the body that shows where they were raised."""
    chain = list(islice(_told_chain(told), _MAX_CHAIN))
    exc_info = _link((_name(each), str(each), None) for each in chain)
    traces = [
        {"frames": _frames(each.stack), "exception": {"class": _name(each), "message": str(each)[:_MAX_MESSAGE]}}
        for each in chain
    ]
    return exc_info, {"trace_chain": traces} if len(traces) > 1 else {"trace": traces[0]}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what it was raised from, as the SDK follows it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _told_chain(told: TracebackException) -> Iterator[TracebackException]:
    current: TracebackException | None = told
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _name(told: TracebackException) -> str:
    return told.exc_type.__name__ if told.exc_type is not None else "Exception"


def _frames(stack: StackSummary) -> list[dict[str, Any]]:
    kept = stack if len(stack) <= _OUTER + _INNER else [*stack[:_OUTER], *stack[-_INNER:]]
    return [
        {"filename": each.filename, "lineno": each.lineno, "method": each.name, "code": each.line or ""}
        for each in kept
    ]


def _link(parts: Iterable[tuple[str, str, TracebackType | None]]) -> ExcInfo:
    made = [
        type(name, (Exception,), {})(said[:_MAX_MESSAGE]).with_traceback(traceback) for name, said, traceback in parts
    ]
    for outer, inner in pairwise(made):
        outer.__cause__ = inner
    return type(made[0]), made[0], made[0].__traceback__


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_deep(traceback: TracebackType | None) -> bool:
    return next(islice(_entries(traceback), _OUTER + _INNER, None), None) is not None


def _cut(traceback: TracebackType | None) -> TracebackType | None:
    if not _is_deep(traceback):
        return traceback
    entries = list(_entries(traceback))
    made: TracebackType | None = None
    for each in reversed([*entries[:_OUTER], *entries[-_INNER:]]):
        made = TracebackType(made, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return made
