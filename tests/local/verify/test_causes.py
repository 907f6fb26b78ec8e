"""Each cause that needs no other task is produced for real, and named with its remedy; after that nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from operations.diagnosis import causes
from operations.diagnosis.causes import CauseModule
from tests.local.verify import breakages
from tests.local.verify.cli import run, verify
from tests.local_environment import LocalEnvironment

pytestmark = [pytest.mark.timeout(300), pytest.mark.allow_hosts(["127.0.0.1"])]

WAIT = ("--wait", "5")
"""Seconds: what arrives here does so within two."""


@dataclass(frozen=True)
class Case:
    """What breaks a deployment, and the cause that has to be named. `status` is the exit status."""

    name: str
    cause: CauseModule
    broken: Callable[[LocalEnvironment], AbstractContextManager[None]]
    mentions: tuple[str, ...] = ()
    status: int = 1


CASES = (
    Case("the log group is deleted", causes.log_group_missing, breakages.deleted_log_group),
    Case("a rule samples the path out", causes.sampled_out, breakages.sampled_out),
    Case("the rule is missing", causes.rule_missing, breakages.deleted_rule),
    Case("the group's filter does not match", causes.group_filter, breakages.group_of_another_service),
    Case("Transaction Search is on", causes.transaction_search, breakages.transaction_search),
    Case("no target is registered", causes.no_healthy_target, breakages.without_targets, status=1),
    Case("the process has stopped", causes.no_healthy_target, breakages.stopped_process, mentions=("502",)),
    Case("an old process serves", causes.old_task, breakages.newer_revision, mentions=("2.0.0",)),
)


def test_nothing_is_wrong_with_a_healthy_deployment(environment: LocalEnvironment) -> None:
    outcome = verify(environment)

    assert (outcome.status, outcome.causes, outcome.document["failures"]) == (0, [], []), outcome.summary


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
def test_the_cause_is_named(case: Case, environment: LocalEnvironment) -> None:
    with case.broken(environment):
        outcome = verify(environment, *WAIT)

    assert (outcome.causes, outcome.status) == ([case.cause.CAUSE.slug], case.status), outcome.summary
    [diagnosis] = outcome.diagnoses
    assert diagnosis["remedy"]
    assert [each for each in case.mentions if each not in f"{diagnosis['message']} {diagnosis['remedy']}"] == []
    repaired = verify(environment)
    assert (repaired.status, repaired.causes) == (0, []), repaired.summary


def test_text_and_markdown_have_the_cause_the_remedy_and_the_runbook_entry(
    environment: LocalEnvironment, tmp_path: Path
) -> None:
    file = tmp_path / "summary.md"

    with breakages.without_targets(environment):
        outcome = run(environment, "--wait", "1", "--markdown", str(file))

    cause = causes.no_healthy_target.CAUSE
    markdown = file.read_text(encoding="utf-8")
    assert outcome.returncode == 1
    for text in (outcome.stdout, markdown):
        assert cause.title in text
        assert "for why the tasks do not pass the health check" in text
        assert cause.anchor in text
