"""A roll back deploys the commit of an earlier version, by that commit's own `make deploy`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from operations import deployed_version
from operations.errors import OperatorError
from operations.git import commit_of, is_behind
from operations.roll_back import LOCKS, main

ROOT = Path(__file__).parents[2]
MAKEFILE = """\
export APP
.venv/ready: requirements/dev.txt
	@echo "installed {version}" >> {log}
	@mkdir -p .venv && touch .venv/ready
deploy: .venv/ready
	@echo "{version} deploys VERSION=$(VERSION) ENV=$(ENV) APPROVAL=$(APPROVAL)" \\
		"CDK_CONTEXT=$(CDK_CONTEXT) APP=$$APP" >> {log}
	@exit {status}
"""
Release = Callable[..., None]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in (*LOCKS, ".venv/ready", "node_modules/.bin/cdk"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("one\n", encoding="utf-8")
    (folder / ".gitignore").write_text(".venv/\nnode_modules/\n", encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def release(checkout: Path, log: Path) -> Release:
    """Make a commit whose Makefile writes to the log what it does."""

    def commit(version: str, *, lock: str = "one", status: int = 0) -> None:
        (checkout / "Makefile").write_text(MAKEFILE.format(version=version, log=log, status=status), encoding="utf-8")
        (checkout / "requirements" / "dev.txt").write_text(lock, encoding="utf-8")
        git(checkout, "add", "--all")
        git(checkout, "commit", "--quiet", "--message", version)
        git(checkout, "tag", version)

    return commit


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder), **identity}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


def roll_back(checkout: Path, version: str) -> int:
    return main(["--environment", "prod", "--root", str(checkout), f"--to={version}"])


def test_the_earlier_commits_makefile_deploys_with_what_is_installed(
    checkout: Path, log: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    release("v1")
    release("v2")
    monkeypatch.setenv("CDK_CONTEXT", "-c plain_http=yes")
    assert roll_back(checkout, "v1") == 0
    assert (
        log.read_text("utf-8") == "v1 deploys VERSION=v1 ENV=prod APPROVAL=never CDK_CONTEXT=-c plain_http=yes APP=\n"
    )
    assert (checkout / "Makefile").read_text("utf-8").count("v2 deploys") == 1
    assert len(git(checkout, "worktree", "list").splitlines()) == 1


def test_an_application_of_the_checkout_is_deployed_as_of_the_commit(
    checkout: Path, log: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "apps/my $shop").mkdir(parents=True)
    (checkout / "apps/my $shop/shop.py").touch()
    release("v1")
    release("v2")
    monkeypatch.setenv("APP", str(checkout / "apps/my $shop"))
    monkeypatch.setenv("MAKEFLAGS", "-- APP=of-the-outer-make")
    assert roll_back(checkout, "v1") == 0
    text = log.read_text("utf-8")
    assert text.startswith("v1 deploys VERSION=v1 ")
    assert text.endswith("/checkout/apps/my $shop\n")
    assert str(checkout) not in text


def test_an_application_of_another_repository_is_deployed_at_its_commit_by_this_checkout(
    checkout: Path, log: Path, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release("v2")
    shop = tmp_path / "shop"
    (shop / "src").mkdir(parents=True)
    git(shop, "init", "--quiet")
    (shop / "src" / "shop.py").touch()
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "first")
    git(shop, "tag", "shop-1")
    monkeypatch.setenv("APP", str(shop / "src"))
    assert roll_back(checkout, "shop-1") == 0
    text = log.read_text("utf-8")
    assert "v2 deploys VERSION=shop-1 ENV=prod" in text
    assert text.endswith("/checkout/src\n")
    assert str(shop) not in text
    assert len(git(shop, "worktree", "list").splitlines()) == 1


def test_a_commit_with_other_locks_installs_its_own_dependencies(checkout: Path, log: Path, release: Release) -> None:
    release("v1", lock="older")
    release("v2")
    assert roll_back(checkout, "v1") == 0
    assert [line.split()[0] for line in log.read_text("utf-8").splitlines()] == ["installed", "v1"]
    assert (checkout / ".venv" / "ready").read_text("utf-8") == "one\n"


def test_a_version_without_a_tag_is_found_by_what_git_describes(checkout: Path, log: Path, release: Release) -> None:
    release("v1")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "untagged")
    described = git(checkout, "describe", "--tags", "--always").strip()
    release("v2")
    assert described.startswith("v1-1-g")
    assert roll_back(checkout, described) == 0
    assert f"VERSION={described} " in log.read_text("utf-8")


def test_a_deploy_that_fails_is_said_with_its_status_and_leaves_no_worktree(
    checkout: Path, release: Release, capfd: pytest.CaptureFixture[str]
) -> None:
    release("v1", status=1)
    release("v2")
    assert roll_back(checkout, "v1") == 2
    assert "The roll back failed: check what prod runs (make deployed-version)." in capfd.readouterr().err
    assert len(git(checkout, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize(
    "case",
    [
        ("", "No version is named. Pass one as TO="),
        ("v1-dirty", "v1-dirty was deployed with changes that are in no commit"),
        ("v3", "'v3' is no version in this checkout's history. Fetch all of it"),
        ("--all", "'--all' is no version"),
        ("v1 v2", "'v1 v2' is no version"),
        ("$(touch x)", "'$(touch x)' is no version"),
    ],
)
def test_what_is_no_version_of_a_commit_deploys_nothing(
    checkout: Path, log: Path, release: Release, capsys: pytest.CaptureFixture[str], case: tuple[str, str]
) -> None:
    version, message = case
    release("v1")
    assert roll_back(checkout, version) == 1
    assert message in capsys.readouterr().err.replace("\n", ". ").replace("..", ".")
    assert not log.exists()


def test_neither_make_nor_the_shell_expands_the_version(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for value in (f"$(shell touch {mark})", f"$(touch {mark})", f"`touch {mark}`", f'"; touch {mark}; "'):
        process = subprocess.run(
            ["make", "--old-file=.venv/ready", "roll-back"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TO": value},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "is no version in this checkout's history" in process.stderr
    assert not mark.exists()


def test_a_checkout_is_behind_a_later_commit_only(checkout: Path, release: Release) -> None:
    release("v1")
    release("v2")
    release("v3")
    git(checkout, "checkout", "--quiet", "v2")
    assert [is_behind(checkout, commit_of(checkout, each)) for each in ("v1", "v2", "v3")] == [False, False, True]


def test_a_deploy_that_would_take_an_environment_back_is_refused(
    checkout: Path, release: Release, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release("v1")
    release("v2")
    git(checkout, "checkout", "--quiet", "v1")
    monkeypatch.setattr(deployed_version, "_deployed_version", lambda _: "v2")
    arguments = ["--environment", "prod", "--root", str(checkout)]
    assert deployed_version.main(arguments) == 0
    assert capsys.readouterr().out == "v2\n"
    assert deployed_version.main([*arguments, "--no-downgrade"]) == 1
    assert "prod runs v2, which is newer than this checkout\n" in capsys.readouterr().err
    monkeypatch.setattr(deployed_version, "_deployed_version", lambda _: "v1-dirty")
    assert deployed_version.main([*arguments, "--no-downgrade"]) == 0


def test_a_step_output_has_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    for version in ("v1.0.0-3-g0a1b2c3", "v1\nversion=v0"):
        monkeypatch.setattr(deployed_version, "_deployed_version", lambda _, version=version: version)
        deployed_version.main(["--environment", "prod"])
    assert file.read_text("utf-8") == "version=v1.0.0-3-g0a1b2c3\n"


def test_git_reports_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="is no version in this checkout's history"):
        commit_of(tmp_path, "v1")
