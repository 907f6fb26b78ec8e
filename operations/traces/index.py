"""Keep the newest requests of a deployment, of all four places, and search them."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Final

from operations.traces import summary, trace_ids
from operations.traces.attributes import Attribute, attributes_of
from operations.traces.background import is_background, names_background
from operations.traces.deployment import Deployment
from operations.traces.document import Json, Place, Request
from operations.traces.entries import Collected
from operations.traces.errors import ReadError, read_error
from operations.traces.filters import Entry, Filter
from operations.traces.places import cloudwatch, rollbar, xray
from operations.traces.records import plain

CAPACITY: Final = 10_000
"""Traces; the oldest are evicted."""
PERIOD: Final = 3 * 3600.0
"""Seconds that the first refresh looks back."""
_OVERLAP: Final = 10.0
"""Seconds that a refresh reads again: telemetry arrives late, and not in order."""
_RESCAN_EVERY: Final = 300.0
_RESCAN: Final = 900.0
"""Seconds between the refreshes that read more again, and how much: an export that was retried arrives later still."""
_FIRST_BATCH: Final = {Place.HONEYCOMB: 200, Place.ROLLBAR: rollbar.PAGE}
_MAX_BATCH: Final = 51_200
"""Spans, or items, that one refresh reads at first, and at most."""
_GROWTH: Final = 16
_Read = Callable[[int], Sequence[Json]]
_NO_FILTER: Final = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The requests that match a filter, in its order; `left_out` counts the health checks and files among them."""

    requests: Sequence[Request]
    left_out: int

    def after(self, trace_id: str | None, limit: int) -> list[Request]:
        """Return up to `limit` requests: the first, or those after a trace id."""
        first = 0
        if trace_id is not None:
            positions = (index for index, each in enumerate(self.requests) if each.trace_id == trace_id)
            first = next(positions, len(self.requests)) + 1
        return list(self.requests[first : first + max(limit, 0)])


@dataclass(frozen=True, slots=True)
class _Sorted:
    """All requests, newest first, and the trace ids of the health checks and static files."""

    entries: Sequence[Entry]
    background: Set[str]


class RequestIndex:
    """The newest requests. Every method may be called from any thread; one refresh runs at a time."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        capacity: int = CAPACITY,
        period: float = PERIOD,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._deployment = deployment
        self._capacity = capacity
        self._now = now
        self._refreshing = Lock()
        self._lock = Lock()
        self._traces: dict[str, Collected] = {}
        self._sorted: _Sorted | None = None
        self._start = now() - period
        self._since = dict.fromkeys((Place.CLOUDWATCH, Place.XRAY), self._start)
        self._rescanned = now()
        self._known: dict[Place, set[str]] = {Place.HONEYCOMB: set(), Place.ROLLBAR: set()}
        self._errors: dict[Place, ReadError] = {}
        self._version = 0

    def __len__(self) -> int:
        return len(self._traces)

    @property
    def errors(self) -> dict[Place, ReadError]:
        """Return why a place could not be read by the last refresh."""
        with self._lock:
            return dict(self._errors)

    def refresh(self) -> bool:
        """Read what is new in each place, and return whether anything is. What cannot be read is in `errors`."""
        with self._refreshing:
            before = self._version
            readers = {
                Place.HONEYCOMB: self._read_spans,
                Place.XRAY: self._read_summaries,
                Place.CLOUDWATCH: self._read_lines,
                Place.ROLLBAR: self._read_items,
            }
            self._start_rescan()
            with ThreadPoolExecutor(max_workers=len(readers)) as pool:
                futures = {place: pool.submit(read) for place, read in readers.items()}
            errors = {}
            for place, future in futures.items():
                try:
                    future.result()
                except Exception as error:  # noqa: BLE001 - whatever one place returns, the others are listed
                    errors[place] = read_error(place, error)
            with self._lock:
                self._errors = errors
            self._evict()
            return self._version != before

    def search(self, terms: Filter = _NO_FILTER, limit: int = 100, before: str | None = None) -> list[Request]:
        """Return up to `limit` requests of `find`: those after the trace id `before` in that order."""
        return self.find(terms).after(before, limit)

    def find(self, terms: Filter = _NO_FILTER) -> SearchResult:
        """Return the requests that match, newest first, or slowest first where the filter says so.

        Health checks and static files are left out unless the filter names them (`background.py`).
        """
        snapshot, now = self._newest_first(), self._now()
        matches = [each.request for each in snapshot.entries if terms.matches(each, now)]
        background: Set[str] = frozenset() if names_background(terms) else snapshot.background
        requests = [each for each in matches if each.trace_id not in background]
        if terms.slowest_first:
            requests.sort(key=lambda each: -1.0 if each.duration_ms is None else each.duration_ms, reverse=True)
        return SearchResult(requests=requests, left_out=len(matches) - len(requests))

    def attributes(self) -> list[Attribute]:
        """Return the attributes and annotations of all requests, the most frequent first."""
        return attributes_of(self._newest_first().entries)

    def _newest_first(self) -> _Sorted:
        with self._lock:
            if self._sorted is None:
                entries = sorted((each.entry() for each in self._traces.values()), key=_order, reverse=True)
                health_check_path = self._deployment.names.application.health_check_path
                background = {
                    each.request.trace_id for each in entries if is_background(each.request, health_check_path)
                }
                self._sorted = _Sorted(entries, background)
            return self._sorted

    def _start_rescan(self) -> None:
        now = self._now()
        if now - self._rescanned >= _RESCAN_EVERY:
            self._rescanned = now
            self._since = {place: max(min(since, now - _RESCAN), self._start) for place, since in self._since.items()}

    def _read_lines(self) -> None:
        since = self._since[Place.CLOUDWATCH]
        newest = since
        new: list[tuple[str, Json]] = []
        for line in cloudwatch.newest_lines(self._deployment, int((since - _OVERLAP) * 1000)):
            newest = max(newest, line["timestamp"] / 1000)
            trace_id = line["fields"].get("trace_id")
            collected = self._traces.get(trace_id) if isinstance(trace_id, str) else None
            if isinstance(trace_id, str) and (collected is None or collected.lacks_line(line)):
                new.append((trace_id, line))
        self._add(new, Collected.add_line)
        self._since[Place.CLOUDWATCH] = min(newest, self._now())

    def _read_summaries(self) -> None:
        since, now = self._since[Place.XRAY] - _OVERLAP, self._now()
        new: list[tuple[str, Json]] = []
        begin = since
        while begin < now:
            end = min(begin + xray.MAX_RANGE, now + 1)
            for each in xray.summaries(self._deployment, begin, end):
                trace_id = trace_ids.hex_trace_id(str(each.get("Id", "")))
                if trace_id and not self._has(trace_id, Place.XRAY):
                    new.append((trace_id, each))
            begin = end
        self._add(new, Collected.add_summary)
        self._since[Place.XRAY] = now

    def _read_spans(self) -> None:
        if self._deployment.honeycomb is not None:
            reader = self._deployment.honeycomb.newest_spans
            spans = self._new(
                Place.HONEYCOMB, reader, "span_id", lambda span: summary.number(span.get("start_ns")) / 1e9
            )
            self._add([(str(each.get("trace_id", "")), each) for each in spans], Collected.add_span)

    def _read_items(self) -> None:
        if self._deployment.rollbar is not None:
            reader = self._deployment.rollbar.newest_items
            items = self._new(Place.ROLLBAR, reader, "uuid", lambda item: summary.number(item.get("timestamp")))
            self._add([(rollbar.trace_id_of(each), each) for each in items], Collected.add_item)

    def _new(self, place: Place, reader: _Read, key: str, started: Callable[[Json], float]) -> list[Json]:
        """Return what is new, the oldest first: read more until something is known, or older than the index."""
        ids, batch = self._known[place], _FIRST_BATCH[place]
        while True:
            newest = reader(batch)
            new = [each for each in newest if str(each.get(key)) not in ids]
            is_all = len(newest) < batch or len(new) < len(newest) or started(newest[-1]) < self._start
            if is_all or batch >= _MAX_BATCH:
                break
            batch *= _GROWTH
        self._known[place] = {str(each.get(key)) for each in newest}
        return new[::-1]

    def _has(self, trace_id: str, place: Place) -> bool:
        collected = self._traces.get(trace_id)
        return collected is not None and place in collected.fields

    def _add(self, new: Iterable[tuple[str, Json]], add: Callable[[Collected, Json], None]) -> None:
        with self._lock:
            for trace_id, each in new:
                if not trace_ids.is_trace_id(trace_id):
                    continue
                add(self._traces.setdefault(trace_id, Collected(trace_id)), plain(each))
                self._version += 1
                self._sorted = None

    def _evict(self) -> None:
        """Drop what began before the index, of which some places were not read, and the oldest beyond the capacity.

        It sorts what is new, so that no search has to.
        """
        snapshot, oldest = self._newest_first(), self._start - _OVERLAP
        entries = snapshot.entries
        count = min(bisect_right(entries, -oldest, key=lambda each: -each.request.started), self._capacity)
        if count < len(entries):
            with self._lock:
                for each in entries[count:]:
                    del self._traces[each.request.trace_id]
                self._sorted = _Sorted(entries[:count], snapshot.background)


def _order(entry: Entry) -> tuple[float, str]:
    return entry.request.started, entry.request.trace_id
