"""`make deploy` never hangs or stops at a question that nobody can answer."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.fingerprint import unversioned

ROOT = Path(__file__).parents[2]


# With -o .venv/ready the installed environment is taken as it is, not renewed.
def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_terminal_it_names_the_variable_that_answers_for_it() -> None:
    process = make("-o", ".venv/ready", "deploy")
    assert process.returncode != 0
    assert "there is no terminal to ask at: pass APPROVAL=never" in process.stderr
    assert "cdk" not in process.stdout


def test_the_approval_is_passed_to_the_cdk() -> None:
    assert (
        "cdk deploy --all --require-approval never -c environment=prod"
        in make("--dry-run", "deploy", "APPROVAL=never", "ENV=prod").stdout
    )
    assert "--require-approval" not in make("--dry-run", "deploy").stdout


@pytest.mark.parametrize(("status", "commands"), [(0, ["deploy", "deploy_marker"]), (3, ["deploy"])])
def test_a_deploy_is_recorded_only_after_a_success(tmp_path: Path, status: int, commands: list[str]) -> None:
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\ncase "$2" in operations.deploy) exit {status};; esac\n'
    )
    python.chmod(0o755)
    process = make("-o", ".venv/ready", "deploy", f"PY={python}", "APPROVAL=never", "ENV=dev", "VERSION=v7")
    assert (process.returncode != 0) == (status != 0)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[1] for call in calls] == [f"operations.{command}" for command in commands]
    assert calls[0].startswith("-m operations.deploy --environment dev -- node_modules/.bin/cdk deploy --all ")
    assert "-c environment=dev -c app= -c version=v7" in calls[0]


def synthesized_version(home: Path, app: str) -> str:
    process = subprocess.run(
        ["make", "--silent", "--old-file=.venv/ready", "synth", "CDK=printf '%s\\n'", f"APP={app}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    [version] = [each for each in process.stdout.splitlines() if each.startswith("version=")]
    return version.removeprefix("version=")


@pytest.mark.parametrize("name", ["shop", "my  shop's"])
def test_the_version_is_the_applications_where_the_shell_leaves_the_tilde_of_its_folder(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(["git", "-C", folder, *identity, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    subprocess.run(["git", "-C", folder, "tag", "v7"], check=True)
    assert synthesized_version(tmp_path, f"~/{name}") == synthesized_version(tmp_path, str(folder)) == "v7"


def test_a_deploy_without_a_version_says_so(tmp_path: Path) -> None:
    deploy = ("-o", ".venv/ready", "deploy", "PY=true", "APPROVAL=never")
    assert f"its version is '{unversioned(tmp_path)}'" in make(*deploy, f"APP={tmp_path}").stderr
    assert "unversioned" not in make(*deploy, "VERSION=v7").stderr


def test_bootstrap_runs_the_cdk_of_the_project() -> None:
    assert "node_modules/.bin/cdk bootstrap" in make("--dry-run", "bootstrap").stdout


@pytest.mark.parametrize("version", ["v9;echo INJECTED", "v9 | cat", "v9#", "v9`id`", "v9&echo x", "v9 'x"])
def test_no_shell_reads_the_version_which_may_be_any_tag(version: str) -> None:
    process = subprocess.run(
        ["make", "--silent", "--old-file=.venv/ready", "synth", "CDK=printf '%s\\n'"],
        cwd=ROOT,
        env={**os.environ, "VERSION": version},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"version={version}" in process.stdout.splitlines()
