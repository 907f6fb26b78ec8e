"""What the documents promise is there: the files they link, the targets they name, the commands on the first screen."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

PAGES = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_linked_file_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= TARGETS


def test_the_two_commands_stand_by_line_fifteen() -> None:
    first = "\n".join(Path("README.md").read_text(encoding="utf-8").splitlines()[:15])
    assert "make up" in first
    assert "make test" in first


def test_make_alone_lists_every_target_with_a_sentence() -> None:
    printed = subprocess.run(["make"], capture_output=True, text=True, check=True, timeout=10).stdout
    listed = dict(re.findall(r"^  make (\S+) +(\S.+)$", printed, re.MULTILINE))
    assert set(listed) == TARGETS
    assert all(len(sentence.split()) > 2 for sentence in listed.values())


def test_the_workflow_calls_make_targets_alone() -> None:
    workflow = yaml.safe_load(Path(".github/workflows/ci.yml").read_text(encoding="utf-8"))
    [job] = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make ${{ matrix.target }}"]
    called = {word for target in job["strategy"]["matrix"]["target"] for word in target.split() if "=" not in word}
    assert {"lint", "test", "synth"} <= called <= TARGETS


def test_every_question_that_is_deployed_stands_with_its_answer() -> None:
    page = Path("docs/questions.md").read_text(encoding="utf-8")
    board = json.loads(Path("honeycomb/board.json").read_text(encoding="utf-8"))
    questions = [
        *Path("aws/queries").glob("*.cwli"),
        *Path("aws/json").glob("xray-group*.json"),
        *(Path(f"honeycomb/queries/{panel['query']}.json") for panel in board["panels"]),
        *Path("honeycomb/triggers").glob("*.json"),
    ]
    assert [str(file) for file in questions if f"](../{file})" not in page] == []
    assert len(questions) == 16
