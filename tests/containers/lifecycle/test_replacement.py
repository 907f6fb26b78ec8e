"""What breaks is replaced: a worker that hangs, a container that is killed, a sidecar that ends."""

from __future__ import annotations

import time
from typing import Final

import pytest
import requests

from flask_onetrace.contract import TRACE_ID_HEADER, XRAY_DAEMON_CONTAINER_NAME
from local.smoke_test.arrivals import wait_for_arrivals
from tests.containers.deployment import HEALTH_CHECK, Deployment
from tests.containers.engine import docker
from tests.containers.lifecycle.load import Load

pytestmark = [pytest.mark.timeout(600), pytest.mark.allow_hosts(["127.0.0.1"])]


RESTART_SECONDS: Final = 5
"""Less than AWS takes ("ContainerRestartPolicy", Amazon ECS API reference)."""
NOTICED_SECONDS: Final = 3.0
"""By which a task whose container was killed is deregistered."""
MARK: Final = "/tmp/unhealthy"  # noqa: S108 - in the container, whose own folder it is
MARKED: Final = f"import pathlib, sys; sys.exit(pathlib.Path({MARK!r}).exists())"


def test_an_unhealthy_task_serves_until_it_is_replaced(deployment: Deployment, load: Load) -> None:
    deployment.update(healthCheckGracePeriodSeconds=1)
    check = {"command": ["CMD", "python", "-c", MARKED], **HEALTH_CHECK, "retries": 1, "startPeriod": 0}
    version = deployment.register({"RELEASE": "marked"}, container={"healthCheck": check})
    deployment.update(version)
    [task] = deployment.wait_until_stable()

    docker("exec", deployment.engine_name(task, deployment.container_name), "touch", MARK)
    stopped = deployment.wait_until_stopped(task["taskArn"])
    [new] = deployment.wait_until_stable()

    assert stopped.get("stoppedReason") == "Task failed container health checks"
    assert stopped.get("stopCode") == "ServiceSchedulerInitiated"
    assert new["taskArn"] != task["taskArn"]
    assert new["taskDefinitionArn"] == version
    assert load.responses


def test_a_killed_container_is_replaced_while_another_task_answers(deployment: Deployment, load: Load) -> None:
    deployment.update(desiredCount=2)
    first, second = deployment.wait_until_stable(2)

    killed = time.monotonic()
    docker("kill", deployment.engine_name(first, deployment.container_name))
    stopped = deployment.wait_until_stopped(first["taskArn"])
    tasks = deployment.wait_until_stable(2)

    assert stopped.get("stopCode") == "EssentialContainerExited"
    assert stopped.get("stoppedReason") == "Essential container in task exited"
    codes = {each["name"]: each.get("exitCode") for each in stopped["containers"]}
    assert codes[deployment.container_name] == 137
    assert tasks[0]["taskArn"] == second["taskArn"]
    # As on AWS: the load balancer sends no request again that its target lost, until the target is deregistered.
    load.failures_expected = True
    late = [each for each in load.failures if each.status != 502 or each.at > killed + NOTICED_SECONDS]
    assert late == []
    assert any(each.status == 200 and each.at > killed for each in load.responses)


def test_a_sidecar_that_ends_is_started_again_and_segments_flow(deployment: Deployment, load: Load) -> None:
    policy = {"enabled": True, "restartAttemptPeriod": RESTART_SECONDS}
    deployment.update(deployment.register(sidecar={"restartPolicy": policy}))
    [task] = deployment.wait_until_stable()
    deployment.wait(lambda: time.time() > task["startedAt"].timestamp() + RESTART_SECONDS, deployment.explain)
    sidecar = deployment.engine_name(task, XRAY_DAEMON_CONTAINER_NAME)

    docker("kill", sidecar)
    deployment.wait(
        lambda: docker("inspect", "--format", "{{.State.Running}}", sidecar).stdout.strip() == "true",
        deployment.explain,
    )

    trace = requests.get(f"{deployment.url}/", timeout=10).headers[TRACE_ID_HEADER]
    [segment] = wait_for_arrivals([deployment.backends["X-Ray"]], trace)
    assert segment.summary is not None
    assert [each["taskArn"] for each in deployment.tasks()] == [task["taskArn"]]
    assert load.responses
