"""Order a trace's spans as a tree on one time axis, with its log lines at their moment under their span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from operations.traces.attributes import attribute
from operations.traces.document import Json, Place, Trace
from operations.traces.summary import number, object_in
from operations.traces.xray_export import object_list

_MAX_DEPTH: Final = 24
BROWSER: Final = ("webjs", "browser")
"""The values of `telemetry.sdk.language`, and of our own, of a browser's spans."""


@dataclass(slots=True)
class Node:
    """One span, or one segment or subsegment where Honeycomb has none. Times are in seconds since the epoch."""

    id: str
    parent: str | None
    name: str
    start: float
    end: float
    kind: str = "internal"
    failed: bool = False
    lines: list[Json] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """Return the duration."""
        return max(self.end - self.start, 0.0) * 1000


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The roots in the order of their start, the axis, and the lines of no span. Times as in `Node`."""

    roots: Sequence[Node]
    start: float
    end: float
    other_lines: Sequence[Json]

    def rows(self) -> Iterator[Row]:
        """Yield each node, parents first, and below it its children and lines in the order of their time."""
        pending = [Row((), node=root) for root in self.roots[::-1]]
        while pending:
            row = pending.pop()
            yield row
            if row.node is not None:
                pending += _below(row.node, row.path[-_MAX_DEPTH:])[::-1]


class Row(NamedTuple):
    """A node or a line. `path` says of each of its nearest ancestors but the root, and of it, whether no node follows.

    It is empty for a root.
    """

    path: tuple[bool, ...]
    node: Node | None = None
    line: Json | None = None


def _below(node: Node, path: tuple[bool, ...]) -> list[Row]:
    entries: list[tuple[float, Node | None, Json | None]] = [
        *((each.start, each, None) for each in node.children),
        *((number(each["timestamp"]) / 1000, None, each) for each in node.lines),
    ]
    entries.sort(key=lambda each: each[0])
    last = max((i for i, (_, child, _) in enumerate(entries) if child is not None), default=-1)
    return [Row((*path, i >= last), child, line) for i, (_, child, line) in enumerate(entries)]


def waterfall(trace: Trace) -> Waterfall:
    """Return the waterfall of a trace: of its spans, else of its segments."""
    spans = trace.places[Place.HONEYCOMB].items
    nodes = [*map(_of_span, spans)] if spans else [*_of_segments(trace.places[Place.XRAY].items)]
    by_id = {each.id: each for each in nodes}
    other_lines: list[Json] = []
    for line in sorted(trace.places[Place.CLOUDWATCH].items, key=lambda each: number(each["timestamp"])):
        node = by_id.get(str(object_in(line, "fields").get("span_id")))
        (other_lines if node is None else node.lines).append(line)
    roots = _linked(nodes)
    starts = [each.start for each in nodes] or [number(line["timestamp"]) / 1000 for line in other_lines[:1]] or [0.0]
    ends = [each.end for each in nodes]
    return Waterfall(roots, min(starts), max(ends, default=min(starts)), other_lines)


def _linked(nodes: Sequence[Node]) -> list[Node]:
    """Attach each node to its parent, and return the others; a cycle is cut where it starts first."""
    by_id = {each.id: each for each in nodes}
    children: dict[str, list[Node]] = {}
    roots = []
    for node in sorted(nodes, key=lambda each: (each.start, -each.end)):
        if node.parent in by_id and node.parent != node.id and by_id[node.id] is node:
            children.setdefault(node.parent or "", []).append(node)
        else:
            roots.append(node)
    reached: set[int] = set()
    _attach(roots, children, reached)
    for node in sorted(nodes, key=lambda each: each.start):
        if id(node) not in reached:
            roots.append(node)
            _attach([node], children, reached)
    return roots


def _attach(roots: Iterable[Node], children: dict[str, list[Node]], reached: set[int]) -> None:
    pending = list(roots)
    reached.update(map(id, pending))
    while pending:
        node = pending.pop()
        node.children = [each for each in children.pop(node.id, []) if id(each) not in reached]
        reached.update(map(id, node.children))
        pending += node.children


def _of_span(span: Json) -> Node:
    language = object_in(span, "resource").get("telemetry.sdk.language")
    return Node(
        id=str(span.get("span_id")),
        parent=span.get("parent_span_id"),
        name=_name(span),
        start=number(span.get("start_ns")) / 1e9,
        end=number(span.get("end_ns")) / 1e9,
        kind="browser" if language in BROWSER else str(span.get("kind", "internal")),
        failed=object_in(span, "status").get("code") == "error",
    )


def _name(span: Json) -> str:
    """Return the name of a span; of an outgoing call, which is named after its method alone, with host and status."""
    name, attributes = str(span.get("name", "")), object_in(span, "attributes")
    if span.get("kind") != "client" or attribute(attributes, "http.request.method") is None:
        return name
    host, status = attribute(attributes, "server.address"), attribute(attributes, "http.response.status_code")
    return " ".join(str(each) for each in (name, host if str(host) not in name else None, status) if each is not None)


def _of_segments(segments: Iterable[Json]) -> Iterator[Node]:
    for segment in segments:
        yield from _of_segment(segment, segment.get("parent_id"))


def _of_segment(document: Json, parent: Any) -> Iterator[Node]:  # noqa: ANN401 - as received
    pending = [(document, parent)]
    while pending:
        node, parent_id = pending.pop()
        start = number(node.get("start_time"))
        yield Node(
            id=str(node.get("id")),
            parent=parent_id if isinstance(parent_id, str) else None,
            name=str(node.get("name", "")),
            start=start,
            end=number(node.get("end_time")) or start,
            kind="server" if node is document else str(node.get("namespace", "internal")),
            failed=any(node.get(flag) is True for flag in ("fault", "error", "throttle")),
        )
        pending += [(each, node.get("id")) for each in object_list(node, "subsegments") if isinstance(each, dict)]
