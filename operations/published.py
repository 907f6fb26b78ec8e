"""Publish figures as Markdown, between a page's markers `<!-- NAME -->` and `<!-- /NAME -->`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def replace_section(page: Path, name: str, text: str) -> None:
    """Replace the section, and nothing else of the page. Raises `ValueError` if the page has no such markers."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->\n")
    if not begin or not end:
        raise ValueError(f"{page} has no section {name!r}: add the lines <!-- {name} --> and <!-- /{name} -->")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def section(page: Path, name: str) -> str:
    """Return the text between the markers."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    return rest.partition(f"<!-- /{name} -->\n")[0]


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0) -> str:
    """Return a Markdown table whose last `right` columns are aligned to the right."""
    lines = [head, ["---"] * (len(head) - right) + ["---:"] * right, *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)
