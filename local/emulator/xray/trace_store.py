"""Store the traces of one account and region, bounded in number and bytes; the oldest are evicted first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from local.emulator.json_api import Json
from local.emulator.xray.segment_documents import Document, compile_segments

MAX_TRACES: Final = 20_000
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_TRACE_BYTES: Final = 500 * 1024
"""X-Ray's quota for the size of one trace."""


class TraceStore:
    """Documents by trace id and segment id."""

    def __init__(self, *, max_traces: int = MAX_TRACES, max_bytes: int = MAX_BYTES) -> None:
        self._traces: OrderedDict[str, dict[str, Document]] = OrderedDict()
        self._bytes = 0
        self._max_traces = max_traces
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._traces)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._traces))

    def add(self, document: Document) -> bool:
        """Store `document`, replacing an earlier one with its id; return False when its trace is full.

        A document in progress never replaces a complete one, because UDP does not preserve the order.
        """
        trace = self._traces.setdefault(document.trace_id, {})
        earlier = trace.get(document.id)
        if earlier is not None and document.in_progress and not earlier.in_progress:
            return True
        replaced_size = len(earlier.text) if earlier else 0
        if sum(len(each.text) for each in trace.values()) - replaced_size + len(document.text) > MAX_TRACE_BYTES:
            return False
        trace[document.id] = document
        self._bytes += len(document.text) - replaced_size
        self._evict()
        return True

    def _evict(self) -> None:
        while len(self._traces) > self._max_traces or (self._bytes > self._max_bytes and len(self._traces) > 1):
            _, oldest = self._traces.popitem(last=False)
            self._bytes -= sum(len(document.text) for document in oldest.values())

    def segments(self, trace_id: str) -> list[Json]:
        """Return the compiled segments of a trace, empty for an unknown trace."""
        return compile_segments(list(self._traces.get(trace_id, {}).values()))
