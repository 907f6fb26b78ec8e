"""Each trust decision of SECURITY.md names code and tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PAGE = Path("SECURITY.md")
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.read_text("utf-8").partition("\n## Trust decisions\n")[2].splitlines()
    if line.startswith("|")
][2:]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_trust_decision_names_its_code_and_a_test(row: list[str]) -> None:
    _, believed, code, tests = row
    assert believed
    assert re.findall(r"\]\(([^)]+)\)", code)
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
    assert tests.count("::") == len(named) > 0
    missing = [(path, name) for path, name in named if not Path(path).exists() or name not in functions(Path(path))]
    assert missing == []


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


def test_there_are_twenty_rows_or_more_and_each_decision_has_one() -> None:
    decisions = [row[0] for row in ROWS]
    assert len(set(decisions)) == len(decisions) >= 20


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE.read_text("utf-8"))
    assert [link for link in links if not Path(link).exists()] == []


def test_the_readme_links_the_page() -> None:
    assert "(SECURITY.md)" in Path("README.md").read_text("utf-8")
