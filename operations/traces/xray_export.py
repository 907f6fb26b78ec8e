"""Write and read a trace as segment documents ("AWS X-Ray segment documents", AWS X-Ray Developer Guide)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from operations.traces.document import Json
from operations.traces.summary import number

MAX_DOCUMENT: Final = 64_000
"""Bytes of one document that PutTraceSegments accepts, less a margin for another encoder's white space."""
_TRACE_ID: Final = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_ID: Final = re.compile(r"[0-9a-f]{16}")
_MAX_DEPTH: Final = 50
"""Subsegments within each other: two levels of JSON each."""


def documents_of(segments: Sequence[Json], trace_id: str) -> list[Json]:
    """Return segments as documents that PutTraceSegments accepts; `trace_id` is in X-Ray's format.

    The subsegments of one that is too long are documents of their own.
    """
    return [document for each in segments for document in _split({**each, "trace_id": trace_id})]


def _split(document: Json, depth: int = 0) -> Iterator[Json]:
    children = document.get("subsegments")
    if not isinstance(children, list) or len(json.dumps(document)) <= MAX_DOCUMENT or depth > _MAX_DEPTH:
        yield document
        return
    yield {name: value for name, value in document.items() if name != "subsegments"}
    for child in children:
        if isinstance(child, dict):
            own = {"type": "subsegment", "parent_id": document.get("id"), "trace_id": document["trace_id"]}
            yield from _split({**child, **own}, depth + 1)


def segments_of(documents: Sequence[Any]) -> list[Json]:
    """Return the segments of documents, their subsegments embedded, the first to start first.

    Raises `ValueError` with what is wrong with the first that is no segment document.
    """
    by_id: dict[str, Json] = {}
    for position, document in enumerate(documents, start=1):
        if problem := _problem(document):
            raise ValueError(f"document {position}: {problem}")
        by_id[document["id"]] = dict(document)
    nodes = {node.get("id") for document in by_id.values() for node in walk(document)}
    children: dict[Any, list[Json]] = {}
    roots: list[Json] = []
    for document in by_id.values():
        parent = document.get("parent_id")
        is_embedded = document.get("type") == "subsegment" and parent in nodes and parent != document["id"]
        (children.setdefault(parent, []) if is_embedded else roots).append(document)
    pending = [(root, 0) for root in roots]
    while pending:
        node, depth = pending.pop()
        own = [each for each in object_list(node, "subsegments") if isinstance(each, dict)]
        added = children.pop(node.get("id"), []) if depth < _MAX_DEPTH else []
        if added:
            node["subsegments"] = own = [*own, *added]
        pending += [(each, depth + 1) for each in own]
    # Those of a cycle, and those too deep, stand by themselves.
    roots += [each for rest in children.values() for each in rest]
    return sorted(roots, key=lambda each: number(each["start_time"]))


def walk(segment: Json) -> Iterator[Json]:
    """Yield a segment and each of its subsegments, parents first."""
    pending = [segment]
    while pending:
        node = pending.pop()
        yield node
        pending += [each for each in object_list(node, "subsegments")[::-1] if isinstance(each, dict)]


def object_list(document: Json, name: str) -> list[Any]:
    """Return the list of that name, an empty one where there is none."""
    value = document.get(name)
    return value if isinstance(value, list) else []


def _problem(document: Any) -> str | None:  # noqa: ANN401 - any JSON
    if not isinstance(document, dict):
        return "is no object"
    for name, pattern in (("trace_id", _TRACE_ID), ("id", _ID)):
        value = document.get(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            return f"{name} is {str(value)[:40]!r}"
    start = document.get("start_time")
    if isinstance(start, bool) or not isinstance(start, int | float):
        return f"start_time is {str(start)[:40]!r}"
    return None if isinstance(document.get("name"), str) else "has no name"
