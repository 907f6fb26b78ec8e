"""The real CDK command line deploys the real app, through `operations.deploy` as in `make deploy`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.deploy.cdk import CDK, QUIET
from tests.operations.deploy.conftest import ALARM, ROOT, STACK, Account

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]
SECONDS = 90


def cdk(account: Account, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run(account, [str(CDK), *arguments], cwd=cwd)


def run(account: Account, command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", str(account.folder)),
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env=environ | QUIET | account.variables | {"CDK_HOME": str(account.folder / "cdk-home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def deploy(account: Account, version: str, image: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "operations.deploy", "--environment", "dev", "--poll", "0.2", "--"]
    command += [str(CDK), "deploy", "--all", "--require-approval", "never", "--progress", "events"]
    command += ["--output", str(account.folder / "cdk.out"), "-c", "environment=dev"]
    return run(account, [*command, "-c", f"version={version}", "-c", f"image={image}:1"], cwd=ROOT)


def test_a_first_deploy_fails_the_second_serves_and_ecs_rolls_back_the_third(account: Account) -> None:
    assert cdk(account, "bootstrap", f"aws://{account.id}/us-east-1", cwd=account.folder).returncode == 0
    template = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    account.client("cloudformation").create_change_set(
        StackName=STACK, ChangeSetName="unfinished", ChangeSetType="CREATE", TemplateBody=template
    )

    first = deploy(account, "v1", "crashing")
    assert first.returncode == 1
    assert f"note: the stack {STACK} is in REVIEW_IN_PROGRESS: it has a change set that nobody executed" in first.stderr
    # What the CDK prints stays as it is: the terminal is its own.
    assert "failed to deploy" in first.stderr
    live, _, explained = first.stderr.partition("\nWhy the deploy of dev failed\n")
    assert "(AWS::ECS::Service) CREATE_FAILED" in explained
    assert "backend-flask: exit code 1: the application failed" in explained
    assert "> ModuleNotFoundError: No module named 'flask_cors'" in explained
    assert [line for line in live.splitlines() if line.startswith("ECS | ") and " stopped: " in line]

    second = deploy(account, "v2", "fine")
    assert second.returncode == 0, second.stderr
    assert (
        f"note: the stack {STACK} is in ROLLBACK_COMPLETE: its first deploy failed; the CDK deletes it" in second.stderr
    )
    assert second.stdout.splitlines()[-1].startswith("dev serves version v2 at http://")

    third = deploy(account, "v3", "alarming")
    assert third.returncode == 1
    assert f"✅  {STACK}" in third.stderr
    assert "\nECS rolled the deploy of dev back: it serves v2, not v3\n" in third.stderr
    assert f"{ALARM} was in ALARM\n" in third.stderr
