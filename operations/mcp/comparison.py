"""Compare two traces: their requests, places, spans, log lines and exceptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from operations.traces.document import Json, Place, Request, Trace
from operations.traces.summary import number, object_in

MAX_ROWS: Final = 40
"""Of each list of differences."""
_NOT_COMPARED: Final = frozenset({"trace_id", "started", "places"})
"""Fields of `Request` that differ always, or are compared by themselves."""


@dataclass(slots=True)
class Operation:
    """The spans, or subsegments, of one name in a trace."""

    count: int = 0
    milliseconds: float = 0.0
    failed: int = 0
    attributes: Json = field(default_factory=dict)


def compare(a: Trace, b: Trace) -> Json:
    """Return the differences of `b` from `a`, the greatest differences of duration first; a list is cut, and says so.

    Spans are compared by name, by Honeycomb's where it has both traces, else by X-Ray's segments.
    """
    source = next((each for each in (Place.HONEYCOMB, Place.XRAY) if _items(a, each) and _items(b, each)), None)
    reader = _segments if source is Place.XRAY else _spans
    before, after = ({} if source is None else _operations(reader(_items(each, source))) for each in (a, b))
    return {
        "request": _request(a.request, b.request),
        "places": {place.value: row for place in Place if (row := _place(a, b, place))},
        "spans": {
            "source": None if source is None else source.value,
            "only_in_a": _cut([{"name": name, "count": before[name].count} for name in before if name not in after]),
            "only_in_b": _cut([{"name": name, "count": after[name].count} for name in after if name not in before]),
            "changed": _cut(_changed(before, after)),
            "attributes": _cut(_attributes(before, after)),
        },
        "log_messages": _only(_messages(a), _messages(b)),
        "exceptions": _only(_exceptions(a), _exceptions(b)),
    }


def _request(a: Request | None, b: Request | None) -> Json:
    before, after = ({} if each is None else asdict(each) for each in (a, b))
    names = [name for name in before | after if name not in _NOT_COMPARED]
    return {name: _pair(before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _place(a: Trace, b: Trace, place: Place) -> Json:
    before, after = len(_items(a, place)), len(_items(b, place))
    reasons = _pair(_absence(a, place), _absence(b, place))
    if before == after and reasons["a"] == reasons["b"]:
        return {}
    return {"items": _pair(before, after), "absence": reasons}


def _changed(before: Mapping[str, Operation], after: Mapping[str, Operation]) -> list[Json]:
    """Return what differs of the spans of a name that both traces have, the greatest difference first."""
    rows = [
        {
            "name": name,
            "milliseconds": _pair(round(old.milliseconds, 3), round(new.milliseconds, 3)),
            "difference_ms": round(new.milliseconds - old.milliseconds, 3),
            "count": _pair(old.count, new.count),
            "failed": _pair(old.failed, new.failed),
        }
        for name, old in before.items()
        if (new := after.get(name)) is not None
    ]
    return sorted(rows, key=lambda each: -abs(each["difference_ms"]))


def _attributes(before: Mapping[str, Operation], after: Mapping[str, Operation]) -> list[Json]:
    return [
        {"span": name, "attribute": key, **_pair(old.attributes.get(key), new.attributes.get(key))}
        for name, old in before.items()
        if (new := after.get(name)) is not None
        for key in old.attributes | new.attributes
        if old.attributes.get(key) != new.attributes.get(key)
    ]


def _operations(rows: Iterator[tuple[str, float, bool, Json]]) -> dict[str, Operation]:
    operations: defaultdict[str, Operation] = defaultdict(Operation)
    for name, milliseconds, failed, attributes in rows:
        operation = operations[name]
        operation.count += 1
        operation.milliseconds += milliseconds
        operation.failed += failed
        operation.attributes = operation.attributes or attributes  # of the first
    return dict(operations)


def _spans(spans: Sequence[Json]) -> Iterator[tuple[str, float, bool, Json]]:
    for span in spans:
        name = f"{span.get('kind', '')} {span.get('name', '')}".strip()
        duration = number(span.get("end_ns")) - number(span.get("start_ns"))
        failed = object_in(span, "status").get("code") == "error"
        yield name, duration / 1e6, failed, object_in(span, "attributes")


def _segments(documents: Sequence[Json]) -> Iterator[tuple[str, float, bool, Json]]:
    for document in documents:
        duration = number(document.get("end_time")) - number(document.get("start_time"))
        failed = any(document.get(each) is True for each in ("fault", "error", "throttle"))
        yield str(document.get("name", "")), duration * 1000, failed, object_in(document, "annotations")
        children = document.get("subsegments")
        yield from _segments(
            [each for each in children if isinstance(each, dict)] if isinstance(children, list) else []
        )


def _messages(trace: Trace) -> dict[str, None]:
    lines = [object_in(each, "fields") or each for each in _items(trace, Place.CLOUDWATCH)]
    return dict.fromkeys(f"{each.get('level', '')} {each.get('message', '')}".strip() for each in lines)


def _exceptions(trace: Trace) -> dict[str, None]:
    spans = _items(trace, Place.HONEYCOMB)
    events = [event for span in spans for event in span.get("events") or () if isinstance(event, dict)]
    attributes = [object_in(each, "attributes") for each in events if each.get("name") == "exception"]
    of_request = trace.request.exception if trace.request else None
    exceptions = [f"{each.get('exception.type', '')}: {each.get('exception.message', '')}" for each in attributes]
    return dict.fromkeys(exceptions or ([of_request] if of_request else []))


def _only(a: Mapping[str, None], b: Mapping[str, None]) -> Json:
    return {
        "only_in_a": _cut([each for each in a if each not in b]),
        "only_in_b": _cut([each for each in b if each not in a]),
    }


def _cut(rows: list[Any]) -> list[Any]:
    more = len(rows) - MAX_ROWS
    return rows if more <= 0 else [*rows[:MAX_ROWS], f"and {more} more"]


def _pair(a: object, b: object) -> Json:
    return {"a": a, "b": b}


def _items(trace: Trace, place: Place) -> Sequence[Json]:
    content = trace.places.get(place)
    return () if content is None else content.items


def _absence(trace: Trace, place: Place) -> str | None:
    content = trace.places.get(place)
    return None if content is None or content.absence is None else content.absence.reason.value
