"""Cut a segment that is too long for one document into several: X-Ray joins them again by their parents' ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from service.telemetry.export.safe_json import dumps, text
from service.telemetry.sinks.xray.limits import Document

MAX_DOCUMENT = 65_000
"""Bytes. X-Ray takes 64 KiB (65,536), a UDP datagram 65,507 with the daemon's header line in it."""
_PLACE = 128
_MAX_NODE = MAX_DOCUMENT - _PLACE
"""Leaves room for what an independent subsegment says of its place: its type, trace and parent."""
_MAX_HEIGHT = 50
"""Levels of subsegments in one document, a bound of ours: parsers of JSON have theirs."""
_WITHIN = "subsegments"
_FEW = 16
"""Subsegments that are first tried as one document: most requests have fewer, none of these is too high."""
_NAMED = 20
_NAME_LENGTH = 80
_WIDEST = 6
"""Bytes that JSON may need for one character."""
_BULKY = frozenset({"cause", "sql", "annotations", "http", "aws"})


class _Part(NamedTuple):
    json: bytes
    height: int


def pack(document: Document) -> Iterable[bytes]:
    """Return the documents: the first holds `document` and what fits into it, each other an independent subsegment."""
    order = [document]
    for each in order:
        order.extend(each.get(_WITHIN, ()))
    if len(order) <= _FEW and len(whole := dumps(document)) <= _MAX_NODE:
        return (whole,)
    return _cut(order)


def _cut(order: list[Document]) -> Iterator[bytes]:
    """Yield the documents of what stands in `order`, parents first. It is taken apart."""
    root = order[0]
    parts: dict[int, _Part] = {}
    independent: list[bytes] = []
    for node in reversed(order):
        place = {"type": "subsegment", "trace_id": root["trace_id"], "parent_id": node["id"]}
        children = [parts.pop(id(child)) for child in node.pop(_WITHIN, ())]
        parts[id(node)], too_much = _join(fitted(node), children)
        independent += [dumps(place)[:-1] + b"," + part.json[1:] for part in too_much]
    yield parts[id(root)].json
    yield from reversed(independent)


def _join(own: bytes, children: list[_Part]) -> tuple[_Part, list[_Part]]:
    """Return `own` with the children that fit into it, and those that do not."""
    head = own[:-1] + b',"subsegments":['
    size, height = len(head) + 2, 0
    within: list[bytes] = []
    too_much: list[_Part] = []
    for child in children:
        if size + len(child.json) + 1 > _MAX_NODE or child.height + 1 >= _MAX_HEIGHT:
            too_much.append(child)
            continue
        within.append(child.json)
        size += len(child.json) + 1
        height = max(height, child.height + 1)
    joined = head + b",".join(within) + b"]}" if within else own
    return _Part(joined, height), too_much


def fitted(document: Document) -> bytes:
    """Return the JSON of one node; where it is too long, its largest parts are left out and named in its metadata."""
    made = dumps(document)
    if len(made) <= _MAX_NODE:
        return made
    metadata = {space: dict(values) for space, values in document.get("metadata", {}).items()}
    kept = {**document, "metadata": metadata}
    excess = len(made) - _MAX_NODE + _NAMED * _NAME_LENGTH * _WIDEST
    left_out: list[str] = []
    for size, part, key in sorted(_parts(document), reverse=True, key=lambda each: each[0]):
        if excess <= 0:
            break
        (kept if part is None else metadata[part]).pop(key)
        left_out.append(text(key if part is None else f"metadata {part}.{key}")[:_NAME_LENGTH])
        excess -= size
    return dumps({**kept, "metadata": {**metadata, "telemetry": {"left_out": left_out[:_NAMED]}}})


def _parts(document: Document) -> Iterator[tuple[int, str | None, Any]]:
    """Yield the size of each part that can be left out, the metadata's namespace if it is of those, and its key."""
    for key in _BULKY & document.keys():
        yield len(dumps({"": document[key]})), None, key
    for space, values in document.get("metadata", {}).items():
        for key, value in values.items():
            yield len(dumps({"": value})), space, key
