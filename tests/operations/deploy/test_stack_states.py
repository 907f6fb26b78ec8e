"""A stack that cannot be deployed is named with the way out, before anything is built or uploaded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from operations.deploy import __main__ as deploy_main
from operations.deploy import stacks
from tests.operations.deploy.conftest import STACK, Account, template
from tests.operations.deploy.responses import Response, patch_responses
from tests.sample import names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def in_state(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(operation: str, response: Response) -> Response:
        for stack in response.get("Stacks", []) if operation == "DescribeStacks" else []:
            stack["StackStatus"] = status
        return response

    patch_responses(monkeypatch, change)


@pytest.mark.parametrize(
    ("status", "recovery"),
    [
        ("UPDATE_ROLLBACK_FAILED", f"aws cloudformation continue-update-rollback --stack-name {STACK}"),
        ("UPDATE_ROLLBACK_FAILED", "--resources-to-skip <logical id>. Then run make deploy ENV=dev"),
        ("UPDATE_FAILED", f"aws cloudformation rollback-stack --stack-name {STACK}"),
        ("CREATE_FAILED", "make destroy ENV=dev"),
        ("DELETE_FAILED", f"delete-stack --stack-name {STACK} --deletion-mode FORCE_DELETE_STACK"),
        ("UPDATE_IN_PROGRESS", f"aws cloudformation cancel-update-stack --stack-name {STACK}"),
        ("CREATE_IN_PROGRESS", f"aws cloudformation describe-stack-events --stack-name {STACK}"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "Then run make deploy ENV=dev"),
        ("DELETE_IN_PROGRESS", "CloudFormation is at work on it"),
    ],
)
def test_a_state_that_cannot_be_deployed_is_refused(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], status: str, recovery: str
) -> None:
    in_state(status, monkeypatch)
    started = serving.folder / "started"
    assert serving.deploy("touch", str(started)) == 1
    printed = capfd.readouterr().err
    assert f"error: The stack {STACK} cannot be deployed: it is in {status}.\n" in printed
    assert recovery in printed
    assert not started.exists()


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"])
def test_of_a_stack_that_was_never_created_it_says_that_this_deploy_creates_it(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], status: str
) -> None:
    in_state(status, monkeypatch)
    assert serving.deploy("true") == 0
    printed = capfd.readouterr().err
    assert f"note: the stack {STACK} is in {status}: " in printed
    assert "creates it" in printed


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "", "NEW_STATE"])
def test_any_other_state_is_deployed(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], status: str
) -> None:
    in_state(status, monkeypatch)
    assert serving.deploy("true") == 0
    assert "the stack" not in capfd.readouterr().err


def test_the_way_out_of_a_state_in_which_a_deploy_has_left_the_stack_ends_the_explanation(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    left = serving.folder / "left"

    def change(operation: str, response: Response) -> Response:
        if operation == "DescribeStacks" and left.exists() and response.get("Stacks"):
            response["Stacks"][0]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
        return response

    patch_responses(monkeypatch, change)
    assert serving.deploy("sh", "-c", f"touch {left}; exit 3") == 3
    printed = capfd.readouterr().err
    assert f"The stack {STACK} is in UPDATE_ROLLBACK_FAILED. Repair what keeps CloudFormation from" in printed
    assert f"continue-update-rollback --stack-name {STACK}" in printed


def test_another_deploy_of_the_same_version_does_not_hide_an_earlier_rollback(
    deployed: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    assert deployed.deploy(*deployed.apply(template("v2", "alarming"))) == 1
    capfd.readouterr()
    # As the CDK does when the template has not changed.
    assert deployed.deploy("true") == 1
    output = capfd.readouterr()
    assert "ECS rolled the deploy of dev back: it serves v1, not v2" in output.err
    assert "make roll-back ENV=dev TO=" in output.err


def test_a_command_that_does_not_exist_is_named(account: Account, capfd: pytest.CaptureFixture[str]) -> None:
    assert account.deploy(str(Path("node_modules") / "absent")) == 127
    assert "node_modules/absent cannot be started: No such file or directory. Run make setup." in capfd.readouterr().err


@pytest.mark.parametrize(
    ("status", "environment", "chosen", "runs"),
    [
        (None, "prod", (), [["-c", "protected=no"], []]),
        ("ROLLBACK_COMPLETE", "prod", (), [["-c", "protected=no"], []]),
        ("UPDATE_COMPLETE", "prod", (), [[]]),
        (None, "prod", ("-c", "protected=yes"), [["-c", "protected=yes"]]),
        (None, "dev", (), [[]]),
        (None, "unknown", (), [[]]),
    ],
)
def test_a_first_deploy_is_protected_from_deletion_once_it_has_succeeded(
    status: str | None, environment: str, chosen: tuple[str, ...], runs: list[list[str]]
) -> None:
    name = f"Cruddur-{environment}-Service"
    stacks_before = [] if status is None else [stacks.Stack(name, status, "", {})]
    is_first = stacks.is_first_deploy(stacks.Snapshot(stacks_before, datetime.now(UTC)), names_of(environment))
    options = deploy_main.Options(environment, ["cdk", "deploy", *chosen], 1.0, 1.0)
    commands = deploy_main._commands(options, is_first=is_first)
    assert [list(each)[2:] for each in commands] == runs
