"""Format the rows as the table of docs/security.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bench.attacks.promise import Promise, Row
from operations.published import replace_section, section

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
SECTION = "attacks"
HEAD = "| holds | attack | promise | measured |\n|---|---|---|---|\n"


def line(row: Row) -> str:
    """Return the row's line of the table."""
    verdict = "yes" if row.holds else "slower" if row.only_slower else "**no**"
    return f"| {verdict} | {_cell(row.promise.attack)} | {_cell(row.promise.text)} | {_cell(row.measured)} |\n"


def published(page: Path = PAGE) -> list[tuple[str, str]]:
    """Return attack and promise of each row that the page shows."""
    rows = [each.split(" | ") for each in section(page, SECTION).splitlines() if each.startswith("| ")][1:]
    return [(cells[1], cells[2]) for cells in rows]


def expected(promises: Sequence[Promise]) -> list[tuple[str, str]]:
    """Return attack and promise as the page should show them."""
    return [(_cell(each.attack), _cell(each.text)) for each in promises]


def publish(rows: Sequence[Row], when: datetime, page: Path = PAGE) -> None:
    """Write the table into the page."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    table = HEAD + "".join(map(line, rows))
    replace_section(page, SECTION, f"Measured on {when:%d %B %Y} by `make attack`, {machine}.\n\n{table}")


def summary(rows: Sequence[Row], seconds: float) -> str:
    """Return how many promises hold, and list those that do not."""
    failed = [row for row in rows if not row.holds]
    head = f"\n{len(rows) - len(failed)} of {len(rows)} promises hold ({seconds:.0f} s).\n"
    lines = [
        f"- {row.promise.attack}\n    promised: {row.promise.text}\n    measured: {row.measured}\n" for row in failed
    ]
    return head + ('\nDo not hold ("slower" alone does not fail a short run):\n' + "".join(lines) if failed else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")
