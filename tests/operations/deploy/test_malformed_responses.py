"""Whatever AWS answers, the deploy ends with the CDK's exit status, and nothing is raised."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from local.backing_services.emulated_aws import EmulatedAws
from operations.deploy import stacks
from tests.operations.deploy.conftest import Account, new_account, template
from tests.operations.deploy.responses import Response, error, patch_responses

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SEEDS = range(20)
ERRORS = ("AccessDeniedException", "InternalFailure", "ThrottlingException", "ValidationError", "ExpiredToken")
WRONG_VALUES: tuple[Any, ...] = (None, "", [], {}, "\x00nonsense", -1)
EARLY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def failed_account(emulator: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> Account:
    account = new_account(emulator, tmp_path_factory.mktemp("failed"))
    with pytest.MonkeyPatch.context() as patch:
        account.use(patch)
        assert account.deploy(*account.apply(template("v1", "fine"))) == 0
        assert account.deploy(*account.apply(template("v2", "crashing"))) == 1
        assert account.deploy(*account.apply(template("v3", "alarming"))) == 1
    return account


@pytest.fixture
def failed(failed_account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with failed tasks, events, a firing alarm and failed resources, all of them after the start."""
    failed_account.use(monkeypatch)
    monkeypatch.setattr(stacks, "_server_time", lambda _response: EARLY)
    return failed_account


def malformed(value: Any, draw: random.Random, share: float) -> Any:  # noqa: ANN401 - a response of any kind
    """Return the response with keys missing, lists empty, and values of other kinds."""
    if draw.random() < share:
        return draw.choice(WRONG_VALUES)
    if isinstance(value, dict):
        return {name: malformed(each, draw, share) for name, each in value.items() if draw.random() >= share}
    if isinstance(value, list):
        return [malformed(each, draw, share) for each in value]
    return value


def corrupt_responses(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    draw = random.Random(seed)
    share = draw.choice([0.02, 0.1, 0.3])

    def change(operation: str, response: Response) -> Response:
        if draw.random() < share:
            raise error(draw.choice(ERRORS), operation)
        if draw.random() < share / 2:
            raise RuntimeError("a bug in a library")
        result: Response = {name: malformed(each, draw, share) for name, each in response.items()}
        return result

    patch_responses(monkeypatch, change)


def test_the_exit_status_is_the_cdks(failed: Account, capfd: pytest.CaptureFixture[str]) -> None:
    statuses = {}
    for seed in SEEDS:
        with pytest.MonkeyPatch.context() as patch:
            corrupt_responses(patch, seed)
            # A refusal, with 1, is a result too: by chance a stack is in a state that cannot be deployed.
            statuses[seed] = failed.deploy("sh", "-c", "sleep 0.05; exit 7", poll="0.01")
        printed = capfd.readouterr().err
        assert statuses[seed] == 1 or "\nWhat to do\n  " in printed, (seed, printed)
    assert set(statuses.values()) <= {7, 1}
    assert list(statuses.values()).count(7) > len(statuses) * 0.8


def test_whole_responses_are_explained_whole(failed: Account, capfd: pytest.CaptureFixture[str]) -> None:
    assert failed.deploy("sh", "-c", "exit 7", poll="0.01") == 7
    printed = capfd.readouterr().err
    titles = ("Failed resources", "Deployments of", "Tasks that stopped", "Events of", "Alarms of", "What to do")
    assert [title for title in titles if f"\n{title}" not in printed] == []


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_what_cannot_be_read_is_named(
    failed: Account, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def change(operation: str, response: Response) -> Response:
        if operation in {"ListTasks", "DescribeAlarms"}:
            raise error(code, operation)
        return response

    patch_responses(monkeypatch, change)
    assert failed.deploy("sh", "-c", "exit 7", poll="0.01") == 7
    printed = capfd.readouterr().err
    assert f"stopped tasks: An error occurred ({code}) when calling the ListTasks operation" in printed
    assert f"alarms: An error occurred ({code}) when calling the DescribeAlarms operation" in printed
    assert "Events of the service" in printed


def test_a_success_that_cannot_be_checked_stays_one(
    serving: Account, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(operation: str, response: Response) -> Response:
        if operation == "DescribeServices":
            raise error("AccessDeniedException", operation)
        return response

    patch_responses(monkeypatch, change)
    assert serving.deploy("true", poll="0.01") == 0
    assert "warning: the CDK succeeded, but which version serves cannot be read:" in capfd.readouterr().err
