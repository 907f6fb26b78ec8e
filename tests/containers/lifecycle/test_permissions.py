"""What the roles of the deployed task may do is allowed from inside its containers, and nothing else."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from local.backing_services.emulated_aws import REGION
from tests.containers.deployment import Deployment
from tests.containers.lifecycle.load import Load
from tests.permissions import signed_calls
from tests.permissions.deployed import calls_document, deployed_task
from tests.permissions.policies import without
from tests.permissions.table import Call, DeployedTask, is_denied, task_role_may, task_role_may_not

pytestmark = [pytest.mark.timeout(600), pytest.mark.allow_hosts(["127.0.0.1"])]

SAMPLE: Final = 12
"""Refused calls of each service; tests/permissions makes all of them."""
SEED: Final = 20260
CALLS_AT_ONCE: Final = 40


@pytest.fixture
def deployed(deployment: Deployment) -> DeployedTask:
    definition: Any = deployment.aws.ecs.describe_task_definition(taskDefinition=deployment.baseline)
    return deployed_task(definition["taskDefinition"], deployment.client)


def answers(deployment: Deployment, calls: Iterable[Call]) -> Iterator[tuple[Call, int, str]]:
    """Make calls from inside the service's container, with the task's own credentials."""
    [task] = deployment.tasks()
    source = Path(signed_calls.__file__).read_text(encoding="utf-8")
    pending = list(calls)
    while pending:
        batch, pending = pending[:CALLS_AT_ONCE], pending[CALLS_AT_ONCE:]
        document = calls_document(deployment.aws.endpoint, REGION, batch)
        output = deployment.python(task, source, json.dumps(document))
        for call, (status, body) in zip(batch, json.loads(output), strict=True):
            yield call, status, body


def test_the_task_role_can_do_what_the_containers_need(deployment: Deployment, deployed: DeployedTask) -> None:
    calls = task_role_may(deployed)
    denied = [each for each in answers(deployment, calls) if is_denied(*each)]

    assert denied == []


def test_the_task_role_is_refused_everything_else(deployment: Deployment, deployed: DeployedTask) -> None:
    rng = random.Random(SEED)
    by_service: defaultdict[str, list[Call]] = defaultdict(list)
    for call in task_role_may_not(deployed):
        by_service[call.service].append(call)
    sample = [call for calls in by_service.values() for call in rng.sample(calls, min(SAMPLE, len(calls)))]

    allowed = [each for each in answers(deployment, sample) if not is_denied(*each)]

    assert allowed == []


REASONS: Final = {
    "secretsmanager:GetSecretValue": (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret "
    ),
    "ecr:GetAuthorizationToken": "ResourceInitializationError: unable to pull secrets or registry auth: ",
    "ecr:BatchGetImage": "CannotPullContainerError: ",
    "logs:CreateLogStream": "ResourceInitializationError: failed to validate logger args: ",
}


@pytest.mark.parametrize("action", REASONS)
def test_a_task_whose_execution_role_lacks_a_permission_does_not_start(
    action: str, deployment: Deployment, load: Load
) -> None:
    version = deployment.register({"RELEASE": action})
    role = deployment.aws.ecs.describe_task_definition(taskDefinition=version)["taskDefinition"]["executionRoleArn"]

    with without(action, role.rpartition("/")[2], deployment.client("iam")):
        number = deployment.update(version)
        deployment.wait_until_failed(number)
        deployment.wait_until_stable()

    reasons = [each.get("stoppedReason", "") for each in deployment.failures_of(version)]
    assert len(reasons) == 3
    assert [each for each in reasons if not each.startswith(REASONS[action])] == []
    assert [each for each in reasons if action not in each] == []
    assert load.responses
