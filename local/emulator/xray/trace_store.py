"""Keep the traces of one account and region, bounded in number and in bytes: the oldest go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from local.emulator.json_api import Json
from local.emulator.xray.segment_documents import Document, compile_segments

MAX_TRACES: Final = 20_000
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_TRACE_BYTES: Final = 500 * 1024
"""X-Ray's quota for the documents of one trace."""


class TraceStore:
    """The documents that were taken in, by trace id and segment id."""

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
        """Keep `document`, in the place of an earlier one with its id; return False when its trace is full.

        A document in progress never replaces a complete one: UDP does not keep the order.
        """
        trace = self._traces.setdefault(document.trace_id, {})
        known = trace.get(document.id)
        if known is not None and document.in_progress and not known.in_progress:
            return True
        freed = len(known.text) if known else 0
        if sum(len(kept.text) for kept in trace.values()) - freed + len(document.text) > MAX_TRACE_BYTES:
            return False
        trace[document.id] = document
        self._bytes += len(document.text) - freed
        self._forget()
        return True

    def _forget(self) -> None:
        while len(self._traces) > self._max_traces or (self._bytes > self._max_bytes and len(self._traces) > 1):
            _, oldest = self._traces.popitem(last=False)
            self._bytes -= sum(len(document.text) for document in oldest.values())

    def segments(self, trace_id: str) -> list[Json]:
        """Return the compiled segments of a trace; none when the trace is not known."""
        return compile_segments(list(self._traces.get(trace_id, {}).values()))
