"""Format the figures as the Markdown table of docs/telemetry.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.libraries.calls import CALLS
from bench.libraries.rounds import Figures, Results
from bench.libraries.variants import VARIANTS
from operations.published import replace_section

PAGE = Path(__file__).parents[2] / "docs" / "telemetry.md"


def table(cpu: Results, instructions: Results, *, rounds: int) -> str:
    """Return the results as a caption and a table; `instructions` may be empty."""
    caption = (
        f"{rounds} rounds on {datetime.now(UTC):%d %B %Y}, Python {platform.python_version()}, {os.cpu_count()} cores"
        f" with a load average of {os.getloadavg()[0]:.1f}: medians, with the lowest and highest CPU ratio in"
        " brackets."
    )
    header = "| A request with | Traced by | Spans | Instructions | Ratio to bare | CPU | Ratio to bare |"
    return "\n".join([f"{caption}\n", header, "|---" * 7 + "|", *_rows(cpu, instructions), ""])


def _rows(cpu: Results, instructions: Results) -> Iterable[str]:
    for index, call in enumerate(CALLS):
        label = call.label
        for name, variant in VARIANTS.items():
            key = call.path, name
            if key in cpu:
                cells = [label, f"{name}: {variant.description}", str(variant.spans[index])]
                yield f"| {' | '.join([*cells, *_instructions(instructions.get(key)), *_cpu(cpu[key])])} |"
                label = ""


def _instructions(figures: Figures | None) -> tuple[str, str]:
    if figures is None:
        return "not counted", ""
    return f"{figures.value:,.0f}", f"{figures.ratios[0]:.2f}"


def _cpu(figures: Figures) -> tuple[str, str]:
    ratios = figures.ratios
    return f"{figures.value:,.0f} µs", f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def publish(markdown: str) -> None:
    """Replace the page's table."""
    replace_section(PAGE, "libraries", markdown)
