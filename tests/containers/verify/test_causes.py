"""Each cause is produced for real, and named with its remedy; after the repair nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import pytest

from flask_onetrace.contract import Variable
from operations.diagnosis import causes
from operations.diagnosis.causes import CauseModule
from tests.containers.verify import breakages
from tests.containers.verify.breakages import VerifiedDeployment
from tests.containers.verify.faulty_backend import Fault
from tests.local.verify.cli import Outcome, verify

pytestmark = [pytest.mark.timeout(600), pytest.mark.allow_hosts(["127.0.0.1"])]

WAIT = 6
"""Seconds: what arrives here does so within two."""
LONG_WAIT = 15
"""Until the service would have reported a host that does not respond."""
ANOTHER_REGION = "eu-west-1"
REGION = {Variable.AWS_REGION: ANOTHER_REGION, Variable.AWS_DEFAULT_REGION: ANOTHER_REGION}
SIDECAR_RESTARTS = {"enabled": True, "restartAttemptPeriod": 1}


@dataclass(frozen=True)
class Case:
    """What breaks a deployment, and the causes that have to be named: one for each sink that it breaks.

    `status` is the exit status, and `wait` the seconds that verify waits.
    """

    name: str
    causes: Sequence[CauseModule]
    broken: Callable[[VerifiedDeployment], AbstractContextManager[None]]
    mentions: tuple[str, ...] = ()
    status: int = 1
    wait: int = WAIT
    keeps_task: bool = False
    """Whether the task that runs is as before once the cause is repaired."""


revision = partial(partial, breakages.revision)
faulty = partial(partial, breakages.faulty)
denied = partial(partial, breakages.denied)
KEYS = ("HONEYCOMB_API_KEY", "ROLLBAR_ACCESS_TOKEN")

CASES = (
    Case("the keys are placeholders", [causes.key_placeholder] * 2, breakages.placeholders, mentions=KEYS, status=0),
    Case(
        "the vendors refuse the keys",
        [causes.key_refused] * 2,
        faulty(fault=Fault.UNAUTHORIZED),
        mentions=(*KEYS, "401"),
    ),
    Case(
        "the keys are of Honeycomb's other region",
        [causes.key_region],
        breakages.another_region,
        mentions=("https://api.honeycomb.io (US)", "OTEL_EXPORTER_OTLP_ENDPOINT=https://api.eu1.honeycomb.io"),
    ),
    Case(
        "the vendors store it in another environment",
        [causes.key_environment] * 2,
        faulty(fault=Fault.ANOTHER_ENVIRONMENT),
        mentions=KEYS,
        wait=LONG_WAIT,
        keeps_task=True,
    ),
    Case(
        "the vendors refuse each item",
        [causes.telemetry_dropped] * 2,
        faulty(fault=Fault.REFUSED),
        mentions=("honeycomb", "rollbar", "400"),
    ),
    Case(
        "the vendors' hosts have no address",
        [causes.host_unreachable] * 2,
        breakages.unresolvable,
        mentions=("Honeycomb", "Rollbar"),
        wait=LONG_WAIT,
    ),
    Case(
        "the vendors' hosts do not respond",
        [causes.host_unreachable] * 2,
        faulty(fault=Fault.HANGS),
        mentions=("Honeycomb", "Rollbar"),
        wait=LONG_WAIT,
    ),
    Case("the task has no sidecar", [causes.sidecar_missing], revision(has_sidecar=False)),
    Case("the sidecar has stopped", [causes.sidecar_stopped], breakages.stopped_sidecar),
    Case(
        "the sidecar ends again and again",
        [causes.sidecar_crash_looping],
        revision(sidecar={"command": ["--no-such-option"], "restartPolicy": SIDECAR_RESTARTS}),
    ),
    Case(
        "the daemon's address is wrong",
        [causes.daemon_address],
        revision(variables={Variable.AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1:2999"}),
        mentions=("127.0.0.1:2999",),
    ),
    Case(
        "the task role lacks xray:PutTraceSegments",
        [causes.xray_denied],
        denied(action="xray:PutTraceSegments"),
        mentions=("xray:PutTraceSegments",),
        keeps_task=True,
    ),
    Case(
        "the task role lacks logs:PutLogEvents",
        [causes.logs_denied],
        denied(action="logs:PutLogEvents"),
        mentions=("logs:PutLogEvents",),
    ),
    Case(
        "the task role lacks logs:CreateLogStream",
        [causes.logs_denied],
        partial(breakages.denied_from_its_start, action="logs:CreateLogStream"),
        mentions=("logs:CreateLogStream",),
    ),
    Case(
        "the log group has another name",
        [causes.log_group_name],
        revision(variables={Variable.CLOUDWATCH_LOG_GROUP: "Another-Group"}),
        mentions=("Another-Group",),
    ),
    Case(
        "a variable is overridden",
        [causes.variable_overridden],
        revision(variables={Variable.OTEL_TRACES_EXPORTER: "none"}),
        mentions=("OTEL_TRACES_EXPORTER",),
    ),
    Case(
        "a variable is empty",
        [causes.variable_overridden],
        revision(variables={Variable.CLOUDWATCH_LOG_GROUP: ""}),
        mentions=("CLOUDWATCH_LOG_GROUP empty",),
    ),
    Case(
        "a variable cannot be used",
        [causes.variable_unusable],
        revision(variables={Variable.AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1:any"}),
        mentions=("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:any"),
    ),
    Case(
        "the region is another",
        [causes.wrong_region] * 2,
        revision(variables=REGION, sidecar={"environment": [{"name": "AWS_REGION", "value": ANOTHER_REGION}]}),
        mentions=(ANOTHER_REGION, "xray-daemon"),
    ),
    Case("the task's clock is ahead", [causes.clock_skew], breakages.clock_ahead, mentions=("the task",)),
    Case("no target is healthy", [causes.no_healthy_target], breakages.unhealthy),
    Case(
        "another environment serves",
        [causes.another_environment],
        breakages.another_environment,
        mentions=("'prod'", "'local'"),
    ),
    Case("an old task serves", [causes.old_task], breakages.old_task, mentions=("2.0.0",)),
)


def clean(deployment: VerifiedDeployment) -> Outcome:
    outcome = verify(deployment)
    assert (outcome.status, outcome.causes) == (0, []), outcome.summary
    return outcome


def test_nothing_is_wrong_with_a_healthy_deployment(deployment: VerifiedDeployment) -> None:
    assert clean(deployment).document["failures"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
def test_the_cause_is_named(case: Case, deployment: VerifiedDeployment) -> None:
    try:
        with case.broken(deployment):
            outcome = verify(deployment, "--wait", str(case.wait))
    finally:
        if not case.keeps_task:
            deployment.repair()

    assert (outcome.causes, outcome.status) == ([each.CAUSE.slug for each in case.causes], case.status), outcome.summary
    assert all(each["remedy"] for each in outcome.diagnoses)
    text = " ".join(f"{each['message']} {each['remedy']}" for each in outcome.diagnoses)
    assert [each for each in case.mentions if each not in text] == []
    clean(deployment)
