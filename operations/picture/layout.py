"""Place the boxes: a zone for each stack, and in it columns, so that a box is right of what it refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from operations.picture.graph import Box, Graph

WIDTH: Final = 250
GAP: Final = 80
MARGIN: Final = 20
HEADER: Final = 46
LINE: Final = 17
TITLE: Final = 34


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each stack's zone and each box is."""

    zones: dict[str, Area]
    boxes: dict[Box, Area]
    width: float
    height: float


def layout_of(graph: Graph) -> Layout:
    """Return the places of all, the stacks one below the other."""
    zones: dict[str, Area] = {}
    places: dict[Box, Area] = {}
    top: float = MARGIN
    for stack in dict.fromkeys(box.stack for box in graph.boxes):
        columns = _columns(graph, stack)
        height = HEADER + max(sum(_height(box) + MARGIN for box in column) for column in columns)
        width = len(columns) * (WIDTH + GAP) - GAP + 2 * MARGIN
        zones[stack] = Area(MARGIN, top, width, height)
        for index, column in enumerate(columns):
            y = top + HEADER
            for box in column:
                places[box] = Area(2 * MARGIN + index * (WIDTH + GAP), y, WIDTH, _height(box))
                y += _height(box) + MARGIN
        top += height + MARGIN
    return Layout(zones, places, max(each.width for each in zones.values()) + 2 * MARGIN, top)


def _columns(graph: Graph, stack: str) -> list[list[Box]]:
    """Return the stack's boxes by how long a chain of references each has within the stack."""
    boxes = [box for box in graph.boxes if box.stack == stack]
    depths = dict.fromkeys(boxes, 0)
    for _ in boxes:  # no chain is longer; two that refer to each other stay within it
        for box in boxes:
            others = [depths[other] for other in graph.references[box] if other.stack == stack]
            depths[box] = min(len(boxes) - 1, max((depth + 1 for depth in others), default=0))
    used = sorted(set(depths.values()))
    return [[box for box in boxes if depths[box] == depth] for depth in used]


def _height(box: Box) -> float:
    return TITLE + LINE * len(box.resources) + 8
