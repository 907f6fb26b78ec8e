"""The documents link files and name make targets that exist, and show every saved query with a result."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

PAGES = [Path("README.md"), Path("CONTRIBUTING.md"), *sorted(Path("docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_linked_files_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_linked_headings_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*\.md)?#([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [
        f"{file}#{anchor}" for file, anchor in links if anchor not in anchors(page.parent / file if file else page)
    ] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_make_targets_in_the_text_exist(page: Path) -> None:
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert targets <= TARGETS


def test_the_readme_has_the_two_main_commands_by_line_15() -> None:
    first_screen = "\n".join(Path("README.md").read_text(encoding="utf-8").splitlines()[:15])
    assert "make up" in first_screen
    assert "make test" in first_screen


def test_make_without_a_target_describes_every_target() -> None:
    output = subprocess.run(["make"], capture_output=True, text=True, check=True, timeout=60).stdout
    descriptions = dict(re.findall(r"^  make (\S+) +(\S.+)$", output, re.MULTILINE))
    assert set(descriptions) == TARGETS
    assert all(len(description.split()) > 2 for description in descriptions.values())


def test_the_ci_workflow_runs_only_make_targets() -> None:
    workflow = yaml.safe_load(Path(".github/workflows/ci.yml").read_text(encoding="utf-8"))
    [job] = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make ${{ matrix.target }}"]
    targets = {word for entry in job["strategy"]["matrix"]["target"] for word in entry.split() if "=" not in word}
    assert {"lint", "test", "synth"} <= targets <= TARGETS


def test_the_ci_workflow_tests_the_images_version_of_python() -> None:
    dockerfile = Path("service/Dockerfile").read_text(encoding="utf-8")
    [version] = re.findall(r"^FROM \S+/python:(\d+\.\d+)", dockerfile, re.MULTILINE)
    assert f'{{target: "test", python: "{version}"}}' in Path(".github/workflows/ci.yml").read_text(encoding="utf-8")


def test_every_saved_query_is_linked_beside_its_result() -> None:
    page = Path("docs/questions.md").read_text(encoding="utf-8")
    board = json.loads(Path("honeycomb/board.json").read_text(encoding="utf-8"))
    queries = [
        *Path("aws/queries").glob("*.cwli"),
        *Path("aws/json").glob("xray-group*.json"),
        *(Path(f"honeycomb/queries/{panel['query']}.json") for panel in board["panels"]),
        *Path("honeycomb/triggers").glob("*.json"),
    ]
    assert [str(path) for path in queries if f"](../{path})" not in page] == []
    assert len(queries) == 16
