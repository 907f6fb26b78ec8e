"""Read traces from a file: OTLP JSON, X-Ray segment documents, or the document of `make trace JSON=1`.

They are shown, and sent nowhere.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, Final

from operations.errors import OperatorError
from operations.traces import otlp, summary, xray_export
from operations.traces.document import Absence, Json, Place, PlaceContent, Reason, Trace
from operations.traces.records import records, spans
from operations.traces.trace_ids import hex_trace_id, is_trace_id, parse_trace_id

MAX_BYTES: Final = 32 * 1024 * 1024
"""Of a file."""
MAX_ITEMS: Final = 50_000
"""Spans, segments, lines or items of a file."""
MAX_TRACES: Final = 1_000
"""That are kept of what was imported."""
_REMEDY: Final = (
    "Use OTLP JSON (an object with resourceSpans), X-Ray JSON (a list of segment documents, or the response of"
    " aws xray batch-get-traces), or the document of make trace JSON=1"
)
_ITEMS = dict[str, dict[Place, list[Json]]]


def imported(text: str | bytes, name: str = "FILE") -> list[Trace]:
    """Return the traces in the text of a file, the oldest first. Raises `OperatorError`, which names the file."""
    if len(text) > MAX_BYTES:
        raise OperatorError(f"{name} has {len(text)} bytes", f"Import {MAX_BYTES} bytes at most")
    try:
        return imported_document(json.loads(text), name)
    except RecursionError as error:
        raise OperatorError(f"{name} is nested too deeply", _REMEDY) from error
    except ValueError as error:  # UnicodeDecodeError too
        raise OperatorError(f"{name} is no JSON ({error})", _REMEDY) from error


def imported_document(document: Any, name: str = "The file") -> list[Trace]:  # noqa: ANN401 - any JSON
    """Return the traces in a JSON document, the oldest first. Raises `OperatorError`."""
    try:
        items = _items(document)
    except otlp.MALFORMED as error:
        problem = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise OperatorError(f"{name} holds a malformed trace ({problem[:200]})", _REMEDY) from error
    if not items:
        raise OperatorError(f"{name} holds no trace", _REMEDY)
    if sum(len(each) for places in items.values() for each in places.values()) > MAX_ITEMS:
        raise OperatorError(f"{name} holds more than {MAX_ITEMS} spans", "Import fewer at once")
    traces = [_trace(trace_id, places) for trace_id, places in items.items() if is_trace_id(trace_id)]
    return sorted(traces, key=lambda each: each.request.started if each.request else 0.0)


def _items(document: Any) -> _ITEMS:  # noqa: ANN401 - any JSON
    match document:
        case {"resourceSpans": list()}:
            return _by_trace(Place.HONEYCOMB, ((each["trace_id"], each) for each in otlp.spans_of(document)))
        case {"Traces": list(traces)}:
            texts = [segment["Document"] for trace in traces for segment in trace["Segments"]]
            return _segments([json.loads(each) for each in texts])
        case {"trace_id": str(trace_id), "places": dict(places)}:
            return {parse_trace_id(trace_id): _places(places)}
        case list() if document:
            # An array of OTLP exports, or of segment documents.
            if all(isinstance(each, dict) and "resourceSpans" in each for each in document):
                spans = [span for each in document for span in otlp.spans_of(each)]
                return _by_trace(Place.HONEYCOMB, ((each["trace_id"], each) for each in spans))
            return _segments([json.loads(each) if isinstance(each, str) else each for each in document])
        case _:
            return {}


def _segments(documents: Sequence[Any]) -> _ITEMS:
    segments = xray_export.segments_of(documents)
    return _by_trace(Place.XRAY, ((hex_trace_id(each["trace_id"]), each) for each in segments))


def _by_trace(place: Place, items: Iterable[tuple[str, Json]]) -> _ITEMS:
    traces: _ITEMS = {}
    for trace_id, item in items:
        traces.setdefault(trace_id, {}).setdefault(place, []).append(item)
    return traces


def _places(places: Mapping[str, Any]) -> dict[Place, list[Json]]:
    """Return the items of a document of `Trace.as_json`: validated, as a file can hold anything."""
    items = {place: places[place]["items"] for place in Place if place in places}
    for place, each in items.items():
        if not isinstance(each, list) or not all(isinstance(item, dict) for item in each):
            raise ValueError(f"places.{place}.items is no list of objects")
    segments = xray_export.segments_of(items.get(Place.XRAY, []))
    lines = [
        {
            "timestamp": int(each["timestamp"]),
            "stream": str(each.get("stream", "")),
            "message": str(each["message"]),
            "fields": dict(each.get("fields", {})),
        }
        for each in items.get(Place.CLOUDWATCH, [])
    ]
    return {
        Place.HONEYCOMB: items.get(Place.HONEYCOMB, []),
        Place.XRAY: segments,
        Place.CLOUDWATCH: lines,
        Place.ROLLBAR: list(items.get(Place.ROLLBAR, [])),
    }


def _trace(trace_id: str, places: Mapping[Place, Sequence[Json]]) -> Trace:
    items = {place: (spans if place is Place.HONEYCOMB else records)(each) for place, each in places.items()}
    contents = {}
    for place in Place:
        absence = (
            None
            if items.get(place)
            else Absence(Reason.NOT_IN_FILE, f"The imported file has nothing of {place.label}.")
        )
        contents[place] = PlaceContent(items=items.get(place, ()), absence=absence)
    return Trace(trace_id=trace_id, request=summary.of_trace(trace_id, items), places=contents)


class ImportedTraces:
    """The traces that were imported, the newest `MAX_TRACES` of them. Thread-safe."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._lock = Lock()

    def add(self, traces: Iterable[Trace]) -> list[str]:
        """Store traces, and return their ids."""
        with self._lock:
            ids = []
            for trace in traces:
                self._traces.pop(trace.trace_id, None)
                self._traces[trace.trace_id] = trace
                ids.append(trace.trace_id)
            while len(self._traces) > MAX_TRACES:
                self._traces.popitem(last=False)
        return ids

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._traces.clear()

    def newest(self, limit: int) -> list[Trace]:
        """Return up to `limit` traces, the last imported first."""
        with self._lock:
            return list(reversed(self._traces.values()))[:limit]

    def get(self, trace_id: str) -> Trace | None:
        """Return the trace of 32 hex digits, None where it was not imported."""
        with self._lock:
            return self._traces.get(trace_id)
