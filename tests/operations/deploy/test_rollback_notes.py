"""Before a deploy, the operator is told when a failed one would not be rolled back."""

from __future__ import annotations

import pytest

from operations.deploy.__main__ import main
from tests.operations.deploy.conftest import ALARM, Account

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

FIRST = "note: this is the first deploy of {}: ECS has none to roll it back to\n"


def test_of_a_first_deploy_it_says_that_there_is_nothing_to_roll_back_to(
    account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    account.deploy("true")
    assert capfd.readouterr().err.startswith(FIRST.format("dev"))


def test_an_alarm_that_is_in_alarm_already_is_named(deployed: Account, capfd: pytest.CaptureFixture[str]) -> None:
    assert deployed.deploy("true") == 0
    assert capfd.readouterr().err == ""
    deployed.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="a test")
    deployed.deploy("true")
    assert f"warning: the alarm {ALARM} is in ALARM: ECS ignores it during this deploy" in capfd.readouterr().err


def test_stacks_that_cannot_be_read_are_not_taken_for_a_first_deploy(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    command = ["sh", "-c", 'echo "arguments: $*"; exit 9', "cdk"]
    assert main(["--environment", "prod", "--poll", "0.01", "--", *command]) == 9
    printed = capfd.readouterr()
    assert printed.out == "arguments: \n"
    assert "first deploy" not in printed.err
