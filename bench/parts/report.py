"""Format the figures as the Markdown table of docs/architecture.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.parts.catalogue import PARTS, Figure, Part
from bench.parts.rounds import Result
from operations.published import replace_section

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
TELEMETRY = "flask_onetrace/telemetry/"
_MIN_WITHOUT_DECIMALS = 10
"""Figures from this on are printed without decimals."""


def table(results: Mapping[str, Sequence[Result]], *, rounds: int) -> str:
    """Return the results, by the names of their parts, as a caption and a table."""
    caption = (
        f"{rounds} rounds on {datetime.now(UTC):%d %B %Y}, Python {platform.python_version()}, {os.cpu_count()} cores"
        f" with a load average of {os.getloadavg()[0]:.1f}: medians, and of the ratio the lowest and highest in"
        " brackets."
    )
    header = "| Part (lines) | Replaces | Measured | Ours | Stock | Ours to stock |"
    rows = (row for part in PARTS if part.name in results for row in _rows(part, results[part.name]))
    return "\n".join([f"{caption}\n", header, "|---" * 6 + "|", *rows, ""])


def _rows(part: Part, results: Sequence[Result]) -> Iterable[str]:
    first = [f"{part.name}: {', '.join(map(_link, part.paths))} ({lines(part):,})", part.replaces]
    for figure, result in zip(part.figures, results, strict=True):
        yield f"| {' | '.join([*first, *_cells(figure, result)])} |"
        first = ["", ""]


def _cells(figure: Figure, result: Result) -> Sequence[str]:
    ratios = result.ratios
    spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return [figure.label, f"{_short(result.ours)} {figure.unit}", f"{_short(result.stock)} {figure.unit}", spread]


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= _MIN_WITHOUT_DECIMALS else f"{figure:.2g}"


def _link(path: str) -> str:
    return f"[{path.removeprefix(TELEMETRY)}](../{path})"


def lines(part: Part) -> int:
    """Return how many lines the part's files have."""
    files = [file for path in part.paths for file in _python_files(ROOT / path)]
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def _python_files(path: Path) -> Sequence[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def publish(markdown: str) -> None:
    """Replace the page's table."""
    replace_section(PAGE, "parts", markdown)
