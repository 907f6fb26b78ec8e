from __future__ import annotations

from local.emulator.xray.segment_documents import Document
from local.emulator.xray.trace_store import MAX_TRACE_BYTES, TraceStore


def document(trace: int, size: int = 100, segment_id: int = 0) -> Document:
    return Document(trace_id=f"trace-{trace}", id=f"{segment_id:016x}", in_progress=False, text="x" * size)


def test_the_oldest_traces_are_evicted_beyond_the_number_limit() -> None:
    store = TraceStore(max_traces=3)

    for number in range(5):
        assert store.add(document(number))

    assert list(store) == ["trace-2", "trace-3", "trace-4"]


def test_the_oldest_traces_are_evicted_beyond_the_size_limit() -> None:
    store = TraceStore(max_bytes=250)

    for number in range(5):
        store.add(document(number))

    assert list(store) == ["trace-3", "trace-4"]


def test_replaced_documents_do_not_count_twice() -> None:
    store = TraceStore(max_bytes=250)

    for _ in range(10):
        store.add(document(1))
    store.add(document(2))

    assert list(store) == ["trace-1", "trace-2"]


def test_a_full_trace_rejects_documents() -> None:
    store = TraceStore()

    assert store.add(document(1, MAX_TRACE_BYTES))
    assert not store.add(document(1, 1, segment_id=2))
