"""What a task still does between SIGTERM and its end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest
import requests

from flask_onetrace.contract import RUNTIME_FAULT_PATH, STOP_TIMEOUT_SECONDS, TRACE_ID_HEADER
from local.smoke_test.arrivals import wait_for_arrivals
from tests.containers.deployment import Deployment
from tests.containers.lifecycle.load import Load

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskTypeDef

pytestmark = [pytest.mark.timeout(600), pytest.mark.allow_hosts(["127.0.0.1"])]


KILLED: Final = 128 + 9
"""The exit code of SIGKILL."""
REQUESTS: Final = 4
"""Half of them to each of two tasks."""
SECONDS: Final = 3
"""How long a request takes, and the stop timeout of a container."""
IGNORING: Final = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
"""A program that does not end at SIGTERM."""


def test_requests_in_flight_end_and_the_last_telemetry_is_delivered(deployment: Deployment, load: Load) -> None:
    deployment.update(desiredCount=2)
    [first, _] = deployment.wait_until_stable()
    deployment.drain(1)

    with ThreadPoolExecutor(2 * REQUESTS) as pool:
        slow = [pool.submit(get, f"{deployment.url}/wait/{SECONDS:.1f}") for _ in range(REQUESTS)]
        failing = [pool.submit(get, f"{deployment.url}{RUNTIME_FAULT_PATH}") for _ in range(REQUESTS)]
        deployment.aws.ecs.stop_task(cluster=deployment.names["cluster"], task=first["taskArn"])
    stopped = deployment.wait_until_stopped(first["taskArn"])

    assert [each.result().status_code for each in slow] == [200] * REQUESTS
    assert [each.result().status_code for each in failing] == [500] * REQUESTS
    codes = {each["name"]: each.get("exitCode") for each in stopped["containers"]}
    assert codes[deployment.container_name] == 0
    assert missing(deployment, [each.result() for each in failing], set()) == []
    assert missing(deployment, [each.result() for each in slow], {"Rollbar"}) == []
    assert load.responses


def test_a_container_that_ignores_sigterm_is_killed_after_its_stop_timeout(deployment: Deployment, load: Load) -> None:
    deployment.drain(1)
    version = deployment.register(container={"command": ["python", "-c", IGNORING], "stopTimeout": SECONDS})
    deployment.update(version)

    def running() -> TaskTypeDef | None:
        tasks = [each for each in deployment.tasks() if each["taskDefinitionArn"] == version]
        return next((each for each in tasks if each["lastStatus"] == "RUNNING"), None)

    task = deployment.wait(running, deployment.explain)
    start = time.monotonic()
    deployment.aws.ecs.stop_task(cluster=deployment.names["cluster"], task=task["taskArn"])

    def exit_code() -> tuple[int] | None:
        stopping = next(each for each in deployment.tasks("STOPPED") if each["taskArn"] == task["taskArn"])
        codes = {each["name"]: each.get("exitCode") for each in stopping["containers"]}
        code = codes[deployment.container_name]
        return None if code is None else (code,)

    assert deployment.wait(exit_code, deployment.explain) == (KILLED,)
    # The sidecar, which stops after it, may take longer.
    assert SECONDS <= time.monotonic() - start < STOP_TIMEOUT_SECONDS
    stopped = deployment.wait_until_stopped(task["taskArn"])
    assert stopped.get("stopCode") == "UserInitiated"
    assert load.responses


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=30)


def missing(deployment: Deployment, responses: Sequence[requests.Response], without: AbstractSet[str]) -> list[str]:
    """Return the back ends in which the trace of a response did not arrive."""
    backends = [each for each in deployment.backends.values() if each.name not in without]
    arrivals = [each for reply in responses for each in wait_for_arrivals(backends, reply.headers[TRACE_ID_HEADER])]
    return [each.backend for each in arrivals if each.summary is None]
