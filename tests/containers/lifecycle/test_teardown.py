"""What ends a deployment leaves nothing of it: run after all other tests of this folder (conftest.py)."""

from __future__ import annotations

import os
import subprocess

import psutil
import pytest

from local.backing_services import emulator
from local.deploy.cdk import CDK, QUIET
from local.workspace.folders import CHECKOUT
from tests.containers.deployment import Deployment
from tests.containers.engine import docker
from tests.containers.lifecycle.leftovers import leftovers, volumes_of

pytestmark = [pytest.mark.timeout(900), pytest.mark.allow_hosts(["127.0.0.1"])]
SECONDS = 200


def test_cdk_destroy_and_make_down_leave_nothing(deployment: Deployment) -> None:
    volumes = volumes_of(deployment)
    assert volumes

    cdk_destroy(deployment)

    left = leftovers(deployment)
    assert left.keys() <= {"networks", "processes"}, left
    assert existing(volumes) == []
    assert "Stopped emulator" in deployment.down()
    assert leftovers(deployment) == {}


def test_make_down_after_the_emulator_was_killed_leaves_nothing(first_deployment: Deployment) -> None:
    if first_deployment.state.containers is None:
        first_deployment.up()
    volumes = volumes_of(first_deployment)
    assert volumes
    [record] = [each for each in first_deployment.state.processes if each.role == emulator.ROLE]
    process = psutil.Process(record.pid)
    process.kill()
    process.wait(30)
    assert leftovers(first_deployment)["containers"]

    output = first_deployment.down()

    assert "of an emulator that was killed" in output
    assert leftovers(first_deployment) == {}
    assert existing(volumes) == []


def cdk_destroy(deployment: Deployment) -> None:
    environ = (
        QUIET | deployment.aws.variables | {"CDK_HOME": str(deployment.folders.cdk_home), "PATH": os.environ["PATH"]}
    )
    command = [str(CDK), "destroy", "--all", "--force", "--app", str(deployment.folders.assembly)]
    process = subprocess.run(
        command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr


def existing(volumes: list[str]) -> list[str]:
    return [each for each in volumes if docker("volume", "inspect", each, check=False).returncode == 0]
