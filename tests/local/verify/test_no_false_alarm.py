"""Verify names nothing where nothing is wrong: on a machine that is busy, and with a rule that samples one of ten."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import pytest

from local.commands.verify import WAIT_SECONDS, subject_of
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from operations.verification import sending
from operations.verification.document import Verification
from operations.verification.report import Report as Progress
from operations.verification.run import run
from operations.verification.subject import Subject
from tests.local.verify.breakages import wait_until_sampled
from tests.local_environment import LocalEnvironment

pytestmark = [pytest.mark.timeout(300), pytest.mark.allow_hosts(["127.0.0.1"])]

RUNS: Final = 160
RUNS_OF_A_BUSY_MACHINE: Final = 30
RUNS_WITH_A_RATE: Final = 10
AT_ONCE: Final = 10
PROD: Final = {"FixedRate": 0.1, "ReservoirSize": 5}
SPIN: Final = "while True: pass"

_of_thread: Final = threading.local()


@pytest.fixture(autouse=True)
def skip_what_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the slow route, which answers one request at a time."""
    monkeypatch.setattr(sending, "MAX_BUSY", 1)


def runs(environment: LocalEnvironment, count: int, at_once: int = AT_ONCE) -> list[Verification]:
    """Verify so often, so many at once."""

    def once(_number: int) -> Verification:
        if not hasattr(_of_thread, "subject"):
            _of_thread.subject = _subject(environment)
        return run(_of_thread.subject, Progress(io.StringIO()), wait=WAIT_SECONDS)

    with ThreadPoolExecutor(max_workers=at_once) as pool:
        return list(pool.map(once, range(count)))


def _subject(environment: LocalEnvironment) -> Subject:
    environ = {name: value for name, value in environment.environ.items() if value}
    return subject_of(Session.open(Folders(environment.state_folder), environ, Report(io.StringIO())))


def alarms(verifications: list[Verification]) -> list[Any]:
    """Return what is named as wrong or as not checked, and the places in which nothing was looked for."""
    messages = [
        [
            *each.failures,
            *each.unchecked,
            *(diagnosis.message for diagnosis in each.diagnoses),
            *(f"{row.place.label}: nothing awaited" for row in each.rows if not row.awaited),
        ]
        for each in verifications
    ]
    return [each for each in messages if each]


@contextmanager
def busy_processors() -> Iterator[None]:
    """Keep each processor busy with two processes of this machine's own priority."""
    processes = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for each in processes:
            each.kill()
            each.wait()


@contextmanager
def rule(environment: LocalEnvironment) -> Iterator[None]:
    """Have the deployed rule sample as in prod."""
    xray, names = environment.aws.xray, {"RuleName": environment.rule}
    [before] = [
        each["SamplingRule"]
        for each in xray.get_sampling_rules()["SamplingRuleRecords"]
        if each["SamplingRule"]["RuleName"] == environment.rule
    ]
    xray.update_sampling_rule(SamplingRuleUpdate={**names, **PROD})  # type: ignore[typeddict-item] # a name and two numbers
    try:
        wait_until_sampled(environment, sampled=False)
        yield
    finally:
        rate = {name: before[name] for name in PROD}  # type: ignore[literal-required] # the names of two numbers
        xray.update_sampling_rule(SamplingRuleUpdate={**names, **rate})  # type: ignore[typeddict-item] # as above


def test_nothing_is_named_in_many_runs(environment: LocalEnvironment) -> None:
    assert alarms(runs(environment, RUNS)) == []


def test_nothing_is_named_on_a_busy_machine(environment: LocalEnvironment) -> None:
    with busy_processors():
        assert alarms(runs(environment, RUNS_OF_A_BUSY_MACHINE)) == []


def test_nothing_is_named_where_one_of_ten_requests_is_sampled(environment: LocalEnvironment) -> None:
    with rule(environment):
        verifications = runs(environment, RUNS_WITH_A_RATE, at_once=2)

    assert alarms(verifications) == []
    rates = {
        rate for each in verifications for row in each.rows for rate in [a.sample_rate for a in row.arrivals] if rate
    }
    assert max(rates) > 1
