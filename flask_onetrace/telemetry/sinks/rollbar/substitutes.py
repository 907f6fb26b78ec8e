"""Substitute exceptions that the SDK cannot report itself: too many frames, no frames, a `__str__` that raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from traceback import StackSummary, TracebackException
from types import TracebackType
from typing import Any

from flask_onetrace.telemetry.spans.exceptions import message_of, prints_much, snapshot_type_name

_OUTER_FRAMES = 16
_INNER_FRAMES = 48
"""Frames kept of a deep stack, from its beginning and from where the exception was raised."""
_MAX_CHAIN = 8
_MAX_MESSAGE = 10_000

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def is_readable(error: BaseException) -> bool:
    """Return whether the SDK can read `error`: one that does not answer for this mark is dropped."""
    try:
        getattr(error, "_rollbar_ignore", False)
    except Exception:  # noqa: BLE001 - an exception's own `__getattr__` may raise anything
        return False
    return True


def is_long(error: BaseException, traceback: TracebackType | None) -> bool:
    """Return whether the SDK would be slow with `error`: it walks through, and shows, every frame and every cause."""
    chain = list(islice(_chain(error), _MAX_CHAIN + 1))
    tracebacks = [traceback, *(each.__traceback__ for each in chain[1:])]
    return len(chain) > _MAX_CHAIN or any(map(_is_deep, tracebacks)) or any(map(_has_long_text, chain))


def shortened(error: BaseException, traceback: TracebackType | None) -> ExcInfo:
    """Return exceptions of the same names, messages and outermost and innermost frames, chained as `error` is."""
    chain = list(islice(_chain(error), _MAX_CHAIN))
    tracebacks = [traceback, *(each.__traceback__ for each in chain[1:])]
    return _chained(
        (type(each).__name__[:_MAX_MESSAGE], message_of(each)[:_MAX_MESSAGE], _without_middle(frames))
        for each, frames in zip(chain, tracebacks, strict=True)
    )


def without_frames(error: TracebackException) -> tuple[ExcInfo, dict[str, Any]]:
    """Return exceptions of the same names and messages, and the item's body that shows where they were raised."""
    chain = list(islice(_snapshot_chain(error), _MAX_CHAIN))
    exc_info = _chained((snapshot_type_name(each), str(each), None) for each in chain)
    traces = [
        {
            "frames": _frames(each.stack),
            "exception": {"class": snapshot_type_name(each), "message": str(each)[:_MAX_MESSAGE]},
        }
        for each in chain
    ]
    return exc_info, {"trace_chain": traces} if len(traces) > 1 else {"trace": traces[0]}


def _has_long_text(error: BaseException) -> bool:
    """Return whether one of its arguments is long: the SDK formats its message more than once."""
    return prints_much(error) or any(isinstance(each, str | bytes) and len(each) > _MAX_MESSAGE for each in error.args)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what it was raised from, as the SDK follows it."""
    visited: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in visited:
        visited.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _snapshot_chain(error: TracebackException) -> Iterator[TracebackException]:
    current: TracebackException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _frames(stack: StackSummary) -> list[dict[str, Any]]:
    frames = stack if len(stack) <= _OUTER_FRAMES + _INNER_FRAMES else [*stack[:_OUTER_FRAMES], *stack[-_INNER_FRAMES:]]
    return [
        {"filename": each.filename, "lineno": each.lineno, "method": each.name, "code": each.line or ""}
        for each in frames
    ]


def _chained(parts: Iterable[tuple[str, str, TracebackType | None]]) -> ExcInfo:
    """Return exceptions of these names, messages and tracebacks, each the cause of the one before."""
    errors = [
        type(name, (Exception,), {})(message[:_MAX_MESSAGE]).with_traceback(traceback)
        for name, message, traceback in parts
    ]
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return type(errors[0]), errors[0], errors[0].__traceback__


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_deep(traceback: TracebackType | None) -> bool:
    return next(islice(_entries(traceback), _OUTER_FRAMES + _INNER_FRAMES, None), None) is not None


def _without_middle(traceback: TracebackType | None) -> TracebackType | None:
    if not _is_deep(traceback):
        return traceback
    entries = list(_entries(traceback))
    shorter: TracebackType | None = None
    for each in reversed([*entries[:_OUTER_FRAMES], *entries[-_INNER_FRAMES:]]):
        shorter = TracebackType(shorter, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return shorter
