"""Draw the cells as an SVG table, for light and for dark backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from bench.outages.cell import Cell

_HEADER_WIDTH, _HEADER_HEIGHT, _CELL_WIDTH, _CELL_HEIGHT, _GAP = 190, 74, 118, 46, 6
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .small { font-size: 11px; } .title { font-size: 15px; font-weight: 600; } .head { font-weight: 600; }
  .fine { fill: #dafbe1; stroke: #1a7f37; } .worse { fill: #fff8c5; stroke: #9a6700; }
  .bad { fill: #ffebe9; stroke: #cf222e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .fine { fill: #12261e; stroke: #3fb950; } .worse { fill: #2e2a1f; stroke: #d29922; }
    .bad { fill: #301b1e; stroke: #f85149; }
  }
"""
TIMES = "\N{MULTIPLICATION SIGN}"
_BAD_RATIO, _WORSE_RATIO, _LATE_EXIT = 3.0, 1.5, 12.0


def draw(cells: Sequence[Cell]) -> str:
    """Return the picture as SVG: a row for each fault, a column for each sink, and one for the tutorial's wiring."""
    columns = list(dict.fromkeys((cell.kind, cell.sink) for cell in cells if cell.fault != "none"))
    faults = list(dict.fromkeys(cell.fault for cell in cells if cell.fault != "none"))
    width = _HEADER_WIDTH + len(columns) * (_CELL_WIDTH + _GAP) + 10
    height = _HEADER_HEIGHT + len(faults) * (_CELL_HEIGHT + _GAP) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="What a request notices while a sink fails"><style>{_STYLE}</style>',
        _text(10, 22, "What a request notices while a sink fails", "title"),
        _text(10, 40, "p99 while it fails, as a ratio to the p99 before; then seconds to start and to exit", "small"),
    ]
    parts += [_heading(number, kind, sink) for number, (kind, sink) in enumerate(columns)]
    parts += [
        _text(10, _HEADER_HEIGHT + row * (_CELL_HEIGHT + _GAP) + _CELL_HEIGHT // 2 + 5, fault, "head")
        for row, fault in enumerate(faults)
    ]
    for cell in cells:
        if cell.fault != "none":
            parts += _cell(cell, columns.index((cell.kind, cell.sink)), faults.index(cell.fault))
    return "\n".join([*parts, "</svg>\n"])


def _heading(number: int, kind: str, sink: str) -> str:
    label = sink if kind == "ours" else f"{kind}, {sink}"
    return _text(
        _HEADER_WIDTH + number * (_CELL_WIDTH + _GAP) + _CELL_WIDTH // 2,
        _HEADER_HEIGHT - 10,
        label,
        "head",
        middle=True,
    )


def _cell(cell: Cell, column: int, row: int) -> list[str]:
    x, y = _HEADER_WIDTH + column * (_CELL_WIDTH + _GAP), _HEADER_HEIGHT + row * (_CELL_HEIGHT + _GAP)
    colour, first, second = _content(cell)
    middle = x + _CELL_WIDTH // 2
    return [
        f'<rect class="{colour}" x="{x}" y="{y}" width="{_CELL_WIDTH}" height="{_CELL_HEIGHT}" rx="6"/>',
        _text(middle, y + 20, first, middle=True),
        _text(middle, y + 37, second, "small", middle=True),
    ]


def _content(cell: Cell) -> tuple[str, str, str]:
    if cell.start_seconds is None or cell.live is None or cell.failing is None:
        return "bad", "does not start", "within 30 s"
    ratio = cell.failing.p99 / cell.live.p99
    exits = f"{cell.exit_seconds:.1f} s" if cell.exit_seconds is not None else "killed"
    late = cell.exit_seconds is None or cell.exit_seconds > _LATE_EXIT
    wrong = set(cell.failing.statuses) != set(cell.live.statuses)
    colour = "bad" if ratio > _BAD_RATIO or late or wrong else "worse" if ratio > _WORSE_RATIO else "fine"
    return colour, f"{TIMES}{ratio:.2f}", f"{cell.start_seconds:.1f} s, {exits}"


def _text(x: int, y: int, text: str, style: str = "", *, middle: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}"{kind}{anchor}>{escape(text)}</text>'
