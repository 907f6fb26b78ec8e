"""Filter log lines by the request that they belong to, whose last line has its status, route, user and duration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from local.logs.lines import Line
from operations.traces.entries import entry_of_lines
from operations.traces.filters import Filter

NO_TRACE: Final = "0" * 32
"""The invalid trace id ("trace-id", W3C Trace Context), of lines outside a request."""
PENDING_SECONDS: Final = 5.0
"""For the access line of a request; then its lines so far decide. A job's lines have none."""
MAX_PENDING: Final = 1_000
MAX_MATCHED: Final = 10_000
"""Requests to remember."""


@dataclass(slots=True)
class _PendingRequest:
    since: float
    lines: list[Line] = field(default_factory=list)


class RequestFilter:
    """Holds the lines of a request until the filter can tell whether it matches, then passes all of them or none."""

    def __init__(
        self,
        terms: Filter,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._filter = terms
        self._now = now
        self._monotonic = monotonic
        self._pending: dict[str, _PendingRequest] = {}
        self._matched: dict[str, None] = {}

    def passed(self, line: Line) -> Iterator[Line]:
        """Yield the lines that are to be shown now."""
        trace_id = line.trace_id
        if trace_id is None or trace_id in self._matched:
            if trace_id is not None or self._matches(NO_TRACE, [line]):
                yield line
            return
        request = self._pending.setdefault(trace_id, _PendingRequest(self._monotonic()))
        request.lines.append(line)
        if line.is_access_line:
            del self._pending[trace_id]
            yield from self._lines_if_matching(trace_id, request.lines)
        elif len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]

    def overdue(self, seconds: float = PENDING_SECONDS) -> Iterator[Line]:
        """Yield the lines of matching requests whose access line has not come in this time."""
        limit = self._monotonic() - seconds
        for trace_id in [each for each, request in self._pending.items() if request.since <= limit]:
            if lines := list(self._lines_if_matching(trace_id, self._pending[trace_id].lines)):
                del self._pending[trace_id]
                yield from lines

    def _lines_if_matching(self, trace_id: str, lines: list[Line]) -> Iterator[Line]:
        if not self._matches(trace_id, lines):
            return
        self._matched[trace_id] = None
        if len(self._matched) > MAX_MATCHED:
            del self._matched[next(iter(self._matched))]
        yield from lines

    def _matches(self, trace_id: str, lines: list[Line]) -> bool:
        return self._filter.matches(entry_of_lines(trace_id, [_document(each) for each in lines]), self._now())


def _document(line: Line) -> dict[str, object]:
    """Return the line as `operations.traces.document.PlaceContent` describes it."""
    timestamp = None if line.time is None else int(line.time.timestamp() * 1000)
    return {"timestamp": timestamp, "message": line.message, "fields": dict(line.fields)}
