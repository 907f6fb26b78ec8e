"""A version that cannot serve is rolled back by the circuit breaker, and no request fails meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.containers.deployment import BASELINE, HEALTH_INTERVAL, Deployment, primary_of
from tests.containers.lifecycle.load import Load

pytestmark = [pytest.mark.timeout(600), pytest.mark.allow_hosts(["127.0.0.1"])]

NO_SUCH_SECRET: Final = "arn:aws:secretsmanager:us-east-1:000000000000:secret:local/lifecycle/none-AbCdEf"
UNHEALTHY: Final = {
    "command": ["CMD", "python", "-c", "raise SystemExit(1)"],
    "interval": HEALTH_INTERVAL,
    "timeout": 2,
    "retries": 1,
    "startPeriod": 0,
}


def crashing(deployment: Deployment) -> str:
    return deployment.register({"FAULT": "exit"})


def never_healthy(deployment: Deployment) -> str:
    return deployment.register(container={"healthCheck": UNHEALTHY})


def without_image(deployment: Deployment) -> str:
    service = deployment.container_name
    definition = deployment.aws.ecs.describe_task_definition(taskDefinition=deployment.baseline)["taskDefinition"]
    image = next(each["image"] for each in definition["containerDefinitions"] if each["name"] == service)
    return deployment.register(container={"image": f"{image.rpartition(':')[0]}:none"})


def without_secret(deployment: Deployment) -> str:
    return deployment.register(secrets={"NO_SUCH_SECRET": NO_SUCH_SECRET})


VERSIONS: Final[dict[Callable[[Deployment], str], tuple[str, str]]] = {
    crashing: ("EssentialContainerExited", "Essential container in task exited"),
    never_healthy: ("ServiceSchedulerInitiated", "Task failed container health checks"),
    without_image: ("TaskFailedToStart", "CannotPullContainerError: "),
    without_secret: (
        "TaskFailedToStart",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve secret from asm: ",
    ),
}


@pytest.mark.parametrize("register", VERSIONS, ids=lambda each: each.__name__)
def test_the_circuit_breaker_rolls_back(
    register: Callable[[Deployment], str], deployment: Deployment, load: Load
) -> None:
    [task] = deployment.tasks()
    version, seen = register(deployment), len(deployment.events())
    code, reason = VERSIONS[register]
    if register is never_healthy:
        deployment.update(healthCheckGracePeriodSeconds=1)

    number = deployment.update(version)
    failed = deployment.wait_until_failed(number)
    [left] = deployment.wait_until_stable()

    assert left["taskArn"] == task["taskArn"]
    assert failed.get("rolloutStateReason") == "ECS deployment circuit breaker: tasks failed to start."
    service = deployment.service["serviceName"]
    events = deployment.events(seen)
    assert f"(service {service}) (deployment {number}) deployment failed: tasks failed to start." in events
    assert f"(service {service}) rolling back to deployment {primary_of(deployment.service)['id']}." in events
    stopped = deployment.failures_of(version)
    assert [each.get("stopCode") for each in stopped] == [code] * 3
    assert [each for each in stopped if not each.get("stoppedReason", "").startswith(reason)] == []
    if register is crashing:
        exits = [each for task in stopped for each in task["containers"] if each["name"] == deployment.container_name]
        assert {each.get("exitCode") for each in exits} == {4}
    assert load.versions().keys() == {BASELINE}


def test_a_version_that_fails_its_requests_is_rolled_back_by_the_alarms(
    deployment: Deployment, load: Load, record: Callable[[str, str], None]
) -> None:
    load.failures_expected = True
    deployment.outlast_bake_time()
    [task] = deployment.tasks()
    version, seen = deployment.register({"FAULT": "error"}), len(deployment.events())

    number = deployment.update(version)
    failed = deployment.wait_until_failed(number)
    [left] = deployment.wait_until_stable()

    alarms = deployment.service["deploymentConfiguration"]["alarms"]["alarmNames"]
    alarm = next(each for each in alarms if each.endswith("5xx-share"))
    assert failed.get("rolloutStateReason") == f"ECS deployment failed: alarm detected: {alarm}."
    service = deployment.service["serviceName"]
    assert f"(service {service}) (deployment {number}) deployment failed: alarm detected." in deployment.events(seen)
    assert left["taskDefinitionArn"] == task["taskDefinitionArn"]
    assert load.failures
    assert {each.status for each in load.failures} == {500}
    record("lifecycle: 500s of a version that fails its requests", str(len(load.failures)))
    # The alarm is OK again before the next deployment.
    deployment.wait(
        lambda: deployment.aws.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"] == "OK",
        deployment.explain,
    )
    healthy = load.responses[-1].at
    load.wait_for(BASELINE)
    assert [each for each in load.failures if each.at > healthy] == []
