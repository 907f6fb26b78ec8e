"""`make deploy` never hangs or stops at a question that nobody can answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


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
    process = make("deploy")
    assert process.returncode != 0
    assert "there is no terminal to ask at: pass APPROVAL=never" in process.stderr
    assert "cdk" not in process.stdout


def test_the_approval_is_passed_to_the_cdk() -> None:
    assert (
        "cdk deploy --all --require-approval never -c environment=prod"
        in make("--dry-run", "deploy", "APPROVAL=never", "ENV=prod").stdout
    )
    assert "--require-approval" not in make("--dry-run", "deploy").stdout


def test_bootstrap_runs_the_cdk_of_the_project() -> None:
    assert "node_modules/.bin/cdk bootstrap" in make("--dry-run", "bootstrap").stdout
