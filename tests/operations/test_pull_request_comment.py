"""A pull request has one comment of its changes, which each run updates and nobody else's text becomes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.fakes.server import LocalServer
from operations.pull_request_comment import MARKER, MAX_BODY, body, main
from tests.operations.github_api import TOKEN, GitHubApi

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubApi]:
    fake = GitHubApi()
    with closing(LocalServer(fake.app)) as server:
        for name, value in fake.environment(server.url, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def sections(tmp_path: Path) -> Path:
    folder = tmp_path / "comment"
    folder.mkdir()
    (folder / "diff-prod.md").write_text("prod's section\n", encoding="utf-8")
    (folder / "diff-dev.md").write_text("dev's section\n", encoding="utf-8")
    return folder


def post(sections: Path) -> int:
    return main(["--folder", str(sections)])


def test_it_is_created_once_and_then_updated(
    github: GitHubApi, sections: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert post(sections) == 0
    assert [each["body"] for each in github.comments] == [f"{MARKER}\ndev's section\n\nprod's section\n"]
    (sections / "diff-dev.md").write_text("nothing\n", encoding="utf-8")
    assert post(sections) == 0
    assert [each["body"] for each in github.comments] == [f"{MARKER}\nnothing\n\nprod's section\n"]
    assert capsys.readouterr().out.splitlines() == [github.comments[0]["html_url"]] * 2


def test_it_is_found_behind_a_hundred_others(github: GitHubApi, sections: Path) -> None:
    for number in range(150):
        github.add(f"comment {number}", author="octocat")
    github.add(f"{MARKER}\nold")
    assert post(sections) == 0
    assert len(github.comments) == 151
    assert "dev's section" in github.comments[-1]["body"]


def test_a_strangers_comment_with_the_marker_is_left_alone(github: GitHubApi, sections: Path) -> None:
    github.add(f"{MARKER}\nmine", author="octocat")
    github.add(f"> {MARKER}")
    assert post(sections) == 0
    assert [each["body"] for each in github.comments[:2]] == [f"{MARKER}\nmine", f"> {MARKER}"]
    assert len(github.comments) == 3


def test_without_the_permission_it_names_it_and_shows_no_token(
    github: GitHubApi, sections: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.writable = False
    assert post(sections) == 1
    error = capsys.readouterr().err
    assert "answered 403" in error
    assert "pull-requests: write" in error
    assert TOKEN not in error


@pytest.mark.usefixtures("github")
def test_without_a_section_it_says_what_writes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert post(tmp_path) == 1
    assert "Run make diff-comment first." in capsys.readouterr().err


@pytest.mark.usefixtures("github")
def test_outside_a_pull_request_it_posts_nothing(
    sections: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "event.json").write_text('{"ref": "refs/heads/main"}', encoding="utf-8")
    assert post(sections) == 1
    assert "is not the event of a pull request" in capsys.readouterr().err
    monkeypatch.delenv("GITHUB_EVENT_PATH")
    assert post(sections) == 1
    assert "GITHUB_EVENT_PATH is not set" in capsys.readouterr().err


def test_sections_that_do_not_fit_are_named_and_not_cut(tmp_path: Path) -> None:
    for name, length in (("a", 30_000), ("b", 40_000), ("c", 30_000)):
        (tmp_path / f"{name}.md").write_text(f"```\n{name * length}\n```\n", encoding="utf-8")
    text = body(tmp_path)
    assert len(text) < MAX_BODY
    assert ("a" * 30_000 in text, "b" * 40_000 in text, "c" * 30_000 in text) == (True, False, True)
    assert "### b: too long for this comment" in text
    assert text.count("```") == 4
