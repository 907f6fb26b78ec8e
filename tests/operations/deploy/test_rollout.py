"""When the CDK has succeeded, the deploy ends only when ECS has finished the rollout, within a limit."""

from __future__ import annotations

import pytest

from tests.operations.deploy.conftest import Account
from tests.operations.deploy.responses import Response, patch_responses

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def rollout_states(monkeypatch: pytest.MonkeyPatch, *states: str | None) -> None:
    """Response each look at the service with the next state, and with the last one from then on."""
    remaining = list(states)

    def change(operation: str, response: Response) -> Response:
        for service in response.get("services", []) if operation == "DescribeServices" else []:
            state = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            for deployment in service["deployments"]:
                deployment.update(rolloutState=state, rolloutStateReason="of a test")
                if state is None:
                    del deployment["rolloutState"]
        return response

    patch_responses(monkeypatch, change)


def test_a_rollout_in_progress_is_awaited(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rollout_states(monkeypatch, *["IN_PROGRESS"] * 8, "COMPLETED")
    assert serving.deploy("true", poll="0.05") == 0
    assert capfd.readouterr().out == "dev serves version v1 at http://backend.test\n"


def test_a_rollout_that_fails_later_is_a_failure(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rollout_states(monkeypatch, *["IN_PROGRESS"] * 8, "FAILED")
    assert serving.deploy("true", poll="0.05") == 1
    output = capfd.readouterr()
    assert "The deploy of dev failed in ECS when CloudFormation had finished: v1\n" in output.err
    assert "version v1: FAILED, of a test" in output.err
    assert output.out == ""


def test_a_rollout_that_does_not_end_is_no_success(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rollout_states(monkeypatch, "IN_PROGRESS")
    assert serving.deploy("true", poll="0.05", rollout="0.01") == 1
    assert "ECS has not finished the rollout of v1 in dev" in capfd.readouterr().err


def test_a_deployment_controller_without_rollout_states_is_not_awaited(
    serving: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout_states(monkeypatch, None)
    assert serving.deploy("true", poll="0.05") == 0


def test_ctrl_c_while_it_waits_says_that_ecs_goes_on(
    serving: Account, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rollout_states(monkeypatch, "IN_PROGRESS")

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("operations.deploy.rollout.time.sleep", interrupt)
    assert serving.deploy("true", poll="0.05") == 130
    assert "Interrupted: ECS continues the rollout" in capfd.readouterr().err
