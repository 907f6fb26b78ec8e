"""Credentials that expire are told with what continues without them; none is ever printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.deploy.__main__ import main
from operations.deploy.reader import EXPIRED
from tests.operations.deploy.conftest import STACK, Account, template
from tests.operations.deploy.responses import Response, error, patch_responses

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def expire(monkeypatch: pytest.MonkeyPatch, code: str, when: Path | None = None) -> None:
    def change(operation: str, response: Response) -> Response:
        if when is None or when.exists():
            raise error(code, operation)
        return response

    patch_responses(monkeypatch, change)


@pytest.mark.parametrize("code", sorted(EXPIRED))
def test_credentials_that_expire_during_the_deploy_are_told_with_what_goes_on(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: str
) -> None:
    expired = serving.folder / "expired"
    expire(monkeypatch, code, when=expired)
    assert serving.deploy("sh", "-c", f"touch {expired}; sleep 0.5; exit 5", poll="0.1") == 5
    printed = capfd.readouterr().err
    assert printed.count("AWS | the credentials have expired") == 1
    assert "The credentials have expired or were revoked during the deploy. CloudFormation continues" in printed
    assert "run make deploy ENV=dev again" in printed


def test_credentials_that_have_expired_already_stop_the_deploy(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    expire(monkeypatch, "ExpiredToken")
    started = serving.folder / "started"
    assert serving.deploy("touch", str(started)) == 1
    assert "error: AWS rejects the credentials: An error occurred (ExpiredToken)" in capfd.readouterr().err
    assert not started.exists()


def test_a_profile_that_renews_its_credentials_goes_on(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    calls = 0

    def change(operation: str, response: Response) -> Response:
        nonlocal calls
        calls += 1
        if calls in {5, 6}:
            raise error("ExpiredToken", operation)
        return response

    patch_responses(monkeypatch, change)
    assert serving.deploy("sleep", "0.5", poll="0.1") == 0
    assert capfd.readouterr().out == "dev serves version v1 at http://backend.test\n"


def test_without_credentials_or_region_the_cdk_runs_and_says_so_itself(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    arguments = ["--environment", "dev", "--poll", "0.01", "--", "sh", "-c", "exit 9"]
    assert main(arguments) == 9
    assert "this deploy cannot be monitored: You must specify a region." in capfd.readouterr().err
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert main(arguments) == 9
    printed = capfd.readouterr().err
    assert "the stacks: Unable to locate credentials" in printed
    assert "expired" not in printed


def test_what_a_container_prints_shows_no_credential_and_drives_no_terminal(
    deployed: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # The third line of the traceback, as if it were a token.
    monkeypatch.setenv("A_TOKEN", "create_app(settings)")

    def change(operation: str, response: Response) -> Response:
        for event in response.get("events", []) if operation == "GetLogEvents" else []:
            event["message"] += "\x1b[2J"
        return response

    patch_responses(monkeypatch, change)
    assert deployed.deploy(*deployed.apply(template("v2", "crashing"))) == 1
    printed = capfd.readouterr().err
    assert "app = ***" in printed
    assert "create_app" not in printed
    assert "\x1b" not in printed


def test_the_stacks_of_another_environment_are_not_read(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stack_names: set[str] = set()

    def change(operation: str, response: Response) -> Response:
        stack_names.update(each["StackName"] for each in response.get("Stacks", []) if operation == "DescribeStacks")
        return response

    patch_responses(monkeypatch, change)
    assert serving.deploy("true") == 0
    assert stack_names == {STACK}
    assert capfd.readouterr().err == ""
