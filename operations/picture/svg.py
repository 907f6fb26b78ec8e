"""Write a layout as SVG, which follows the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from operations.picture.graph import Box, Graph
from operations.picture.layout import LINE, TITLE, Area, Layout

_STYLE: Final = """
    text { font-family: ui-sans-serif, system-ui, 'Helvetica Neue', Arial, sans-serif }
    .zone { fill: #f6f8fa; stroke: #afb8c1; stroke-dasharray: 5 4 }
    .box { fill: #ffffff; stroke: #57606a; stroke-width: 1.5 }
    .name { font-size: 16px; font-weight: 600; fill: #1f2328 }
    .note { font-size: 13px; fill: #57606a }
    .way { fill: none; stroke: #57606a; stroke-width: 1.4; marker-end: url(#head) }
    #head path { fill: #57606a }
    @media (prefers-color-scheme: dark) {
      .zone { fill: #0d1117; stroke: #484f58 } .box { fill: #161b22; stroke: #8b949e }
      .name { fill: #f0f6fc } .note { fill: #9198a1 } .way { stroke: #8b949e } #head path { fill: #8b949e }
    }
"""
_HEAD: Final = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker>'
)


def svg_of(graph: Graph, layout: Layout, title: str) -> str:
    """Return the document: an arrow goes from what is referred to, to what refers to it."""
    described = "; ".join(f"{box.name}: {_text(box)}" for box in graph.boxes)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {layout.width:g} {layout.height:g}" role="img" '
        'aria-labelledby="t d">',
        f'  <title id="t">{escape(title)}</title>',
        f'  <desc id="d">{escape(described)}</desc>',
        f"  <style>{_STYLE}  </style>",
        f"  <defs>{_HEAD}</defs>",
        *_zones(layout),
        *_ways(graph, layout),
        *(line for box in graph.boxes for line in _box(box, layout.boxes[box])),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _zones(layout: Layout) -> Iterator[str]:
    for stack, area in layout.zones.items():
        yield _rectangle("zone", area, radius=12)
        yield f'  <text class="name" x="{area.x + 20:g}" y="{area.y + 29:g}">{escape(stack)}</text>'


def _box(box: Box, area: Area) -> Iterator[str]:
    yield _rectangle("box", area, radius=8)
    yield f'  <text class="name" x="{area.x + 14:g}" y="{area.y + 24:g}">{escape(box.name)}</text>'
    for index, (kind, count) in enumerate(box.resources):
        y = area.y + TITLE + LINE * index + 10
        yield f'  <text class="note" x="{area.x + 14:g}" y="{y:g}">{escape(_counted(kind, count))}</text>'


def _rectangle(kind: str, area: Area, *, radius: int) -> str:
    place = f'x="{area.x:g}" y="{area.y:g}" width="{area.width:g}" height="{area.height:g}"'
    return f'  <rect class="{kind}" {place} rx="{radius}"/>'


def _ways(graph: Graph, layout: Layout) -> Iterator[str]:
    for box, others in graph.references.items():
        for other in others:
            yield f'  <path class="way" d="{_curve(layout.boxes[other], layout.boxes[box])}"/>'


def _curve(start: Area, end: Area) -> str:
    """Return a curve between two boxes: sideways, or up and down where the second is not to the right of the first."""
    if end.x > start.x:
        x, y = start.x + start.width, start.y + start.height / 2
        to_x, to_y = end.x, end.y + end.height / 2
        middle = (x + to_x) / 2
        return f"M{x:g} {y:g} C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"
    below = end.y > start.y
    x, y = start.x + start.width / 2, start.y + (start.height if below else 0)
    to_x, to_y = end.x + end.width / 2, end.y + (0 if below else end.height)
    middle = (y + to_y) / 2
    return f"M{x:g} {y:g} C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"


def _text(box: Box) -> str:
    return ", ".join(_counted(kind, count) for kind, count in box.resources)


def _counted(kind: str, count: int) -> str:
    return kind if count == 1 else f"{count} \N{MULTIPLICATION SIGN} {kind}"
