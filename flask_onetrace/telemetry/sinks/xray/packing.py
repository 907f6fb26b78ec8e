"""Split a segment that is too long for one document: X-Ray joins the documents by their parents' ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from flask_onetrace.telemetry.export.safe_json import dumps
from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.sinks.xray.limits import Document

MAX_DOCUMENT = 65_000
"""Bytes. X-Ray takes 64 KiB (65,536), a UDP datagram 65,507 with the daemon's header line in it."""
_LINK_SIZE = 128
_MAX_NODE = MAX_DOCUMENT - _LINK_SIZE
"""Leaves room for the fields that make it an independent subsegment: type, trace id and parent id."""
_MAX_HEIGHT = 50
"""Levels of subsegments in one document, our own limit: JSON parsers have theirs."""
_CHILDREN = "subsegments"
_SMALL_TREE = 16
"""Nodes that are first tried as one document: most requests have fewer, and so few cannot nest too deep."""
_MAX_NAMES = 20
_MAX_NAME_LENGTH = 80
_MAX_CHARACTER_SIZE = 6
"""Bytes that one character may need in JSON."""
_REMOVABLE = frozenset({"cause", "sql", "annotations", "http", "aws"})


class _Part(NamedTuple):
    json: bytes
    height: int


def pack(document: Document) -> Iterable[bytes]:
    """Return the documents: first `document` with what fits into it, then independent subsegments."""
    nodes = [document]
    for each in nodes:
        nodes.extend(each.get(_CHILDREN, ()))
    if len(nodes) <= _SMALL_TREE and len(whole := dumps(document)) <= _MAX_NODE:
        return (whole,)
    return _split(nodes)


def _split(nodes: list[Document]) -> Iterator[bytes]:
    """Yield the documents of `nodes`, parents first. Detaches the nodes from their parents."""
    root = nodes[0]
    parts: dict[int, _Part] = {}
    independent: list[bytes] = []
    for node in reversed(nodes):
        link = {"type": "subsegment", "trace_id": root["trace_id"], "parent_id": node["id"]}
        children = [parts.pop(id(child)) for child in node.pop(_CHILDREN, ())]
        parts[id(node)], overflow = _join(encode_node(node), children)
        independent += [dumps(link)[:-1] + b"," + part.json[1:] for part in overflow]
    yield parts[id(root)].json
    yield from reversed(independent)


def _join(node: bytes, children: list[_Part]) -> tuple[_Part, list[_Part]]:
    """Return the JSON of a node with the children that fit into it, and those that do not."""
    head = node[:-1] + b',"subsegments":['
    size, height = len(head) + 2, 0
    subsegments: list[bytes] = []
    overflow: list[_Part] = []
    for child in children:
        if size + len(child.json) + 1 > _MAX_NODE or child.height + 1 >= _MAX_HEIGHT:
            overflow.append(child)
            continue
        subsegments.append(child.json)
        size += len(child.json) + 1
        height = max(height, child.height + 1)
    document = head + b",".join(subsegments) + b"]}" if subsegments else node
    return _Part(document, height), overflow


def encode_node(document: Document) -> bytes:
    """Return the JSON of one node; where it is too long, without its largest parts, which its metadata names."""
    whole = dumps(document)
    if len(whole) <= _MAX_NODE:
        return whole
    metadata = {space: dict(values) for space, values in document.get("metadata", {}).items()}
    node = {**document, "metadata": metadata}
    excess = len(whole) - _MAX_NODE + _MAX_NAMES * _MAX_NAME_LENGTH * _MAX_CHARACTER_SIZE
    names: list[str] = []
    for size, part, key in sorted(_removable_parts(document), reverse=True, key=lambda each: each[0]):
        if excess <= 0:
            break
        (node if part is None else metadata[part]).pop(key)
        names.append(text(key if part is None else f"metadata {part}.{key}")[:_MAX_NAME_LENGTH])
        excess -= size
    left_out = {"telemetry": {"left_out": names[:_MAX_NAMES]}}
    shorter = dumps({**node, "metadata": {**metadata, **left_out}})
    if len(shorter) <= _MAX_NODE:
        return shorter
    # Namespaces that are empty now are still too many: a document has no other part without a limit of its own.
    kept = {key: value for key, value in node.items() if key not in _REMOVABLE}
    return dumps({**kept, "metadata": left_out})


def _removable_parts(document: Document) -> Iterator[tuple[int, str | None, Any]]:
    """Yield each part that can be left out: its size, its metadata namespace (None outside metadata) and its key."""
    for key in _REMOVABLE & document.keys():
        yield len(dumps({"": document[key]})), None, key
    for space, values in document.get("metadata", {}).items():
        for key, value in values.items():
            yield len(dumps({"": value})), space, key
