"""Limit the items of one cause: many of one error must leave room for others."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb
from typing import Any, NamedTuple

import rollbar

from flask_onetrace.telemetry.export.token_bucket import TokenBucket

BURST = 160
"""Items of one cause at once."""
RATE = 1.0
"""Further items of one cause a second."""
MAX_CAUSES = 1_024
"""Causes that are remembered, the least recently seen ones are forgotten: 300 bytes each."""
_TELEMETRY = Path(__file__).resolve().parents[2]
_LIBRARIES = tuple(
    f"{folder}/" for folder in (Path(rollbar.__file__).parents[1], Path(logging.__file__).parents[1], _TELEMETRY)
)


class Cause(NamedTuple):
    """What makes two items the same: texts, which a client may choose, do not count."""

    kind: str
    """The exception's type, or a message's level."""
    file: str
    line: int


class Grant(NamedTuple):
    """What an item may have: the cause's first one has a slot of its own."""

    is_first: bool
    left_out: int
    """How many items of the cause were left out since its last one."""


class CauseBudget:
    """Count the items of each cause. Thread-safe; the lock is held for a few look-ups."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[Cause, _Spending] = OrderedDict()

    def spend(self, cause: Cause) -> Grant | None:
        """Return the grant for one more item of `cause`, None where that is over its budget."""
        with self._lock:
            now = self._clock()
            bucket = self._buckets.get(cause)
            is_first = bucket is None
            if bucket is None:
                bucket = self._buckets[cause] = _Spending(BURST, now)
                if len(self._buckets) > MAX_CAUSES:
                    self._buckets.popitem(last=False)
            self._buckets.move_to_end(cause)
            bucket.refill(now, RATE, BURST)
            if bucket.tokens < 1:
                bucket.left_out += 1
                return None
            bucket.tokens -= 1
            grant = Grant(is_first, bucket.left_out)
            bucket.left_out = 0
            return grant


@dataclass(slots=True)
class _Spending(TokenBucket):
    """The items of one cause, and how many were left out since the last one that was not."""

    left_out: int = 0


def of_exception(error: BaseException) -> Cause:
    """Return the type of `error`, and where in the application it was raised."""
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    kind = type(error)
    return Cause(f"{kind.__module__}.{kind.__qualname__}", *_innermost(reversed(places)))


def of_item(data: dict[str, Any]) -> Cause:
    """Return the cause of an item of the SDK's, within the call that reports it."""
    body = data["body"]
    trace = body.get("trace") or next(iter(body.get("trace_chain", ())), None)
    if trace is None:
        return Cause(str(data.get("level")), *_innermost(_callers()))
    places = [(str(each.get("filename")), each.get("lineno") or 0) for each in trace["frames"]]
    return Cause(str(trace["exception"]["class"]), *_innermost(reversed(places)))


def _callers() -> Iterator[tuple[str, int]]:
    frame = sys._getframe()
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]  # None at the end, which the loop checks


def _innermost(places: Iterator[tuple[str, int]]) -> tuple[str, int]:
    """Return the first of `places`, innermost first, that is in the application; without one, the first of all."""
    first = None
    for file, line in places:
        if _is_application(file):
            return file, line
        first = first or (file, line)
    return first or ("", 0)


@lru_cache(maxsize=1024)
def _is_application(file: str) -> bool:
    return not file.startswith((*_LIBRARIES, "<"))
