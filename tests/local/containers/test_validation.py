"""What Fargate refuses, or would give away this machine, is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import StructureShape

from local.containers.validation import CONTAINER_PARAMETERS, TASK_PARAMETERS, violations
from local.emulator.ecs import TASK_PROPERTIES, api_shape, camel
from tests.local.containers.definitions import LOGS, container, task

ROOT = Path(__file__).parents[3]
HARMLESS_VALUES: tuple[object, ...] = (None, False, "", 0, [], {})


def deployed() -> list[dict[str, Any]]:
    """The task definitions of the stacks' snapshot, in the shape of the API."""
    resources = json.loads((ROOT / "tests/infra/snapshots/service.json").read_text("utf-8"))["Resources"]
    found = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ECS::TaskDefinition"]
    names = (*TASK_PROPERTIES, "Cpu", "ExecutionRoleArn", "Family", "Memory", "NetworkMode", "TaskRoleArn")
    return [{camel(name): api_shape(each[name]) for name in names if name in each} for each in found]


def members(shape: str) -> list[str]:
    model = botocore.session.Session().get_service_model("ecs")
    structure = model.shape_for(shape)
    assert isinstance(structure, StructureShape)
    return sorted(structure.members)


def test_the_deployed_task_definition_is_run() -> None:
    [definition] = deployed()
    assert violations(definition) == []


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"networkMode": "host"}, "networkMode 'host'"),
        ({"networkMode": "bridge"}, "networkMode 'bridge'"),
        ({"networkMode": None}, "networkMode None"),
        ({"pidMode": "host"}, "pidMode is not supported"),
        ({"ipcMode": "host"}, "ipcMode is not valid in a Fargate task"),
        ({"cpu": None}, "cpu None"),
        ({"memory": "1 GB"}, "memory '1 GB'"),
        ({"volumes": [{"name": "v", "host": {"sourcePath": "/etc"}}]}, "volume v: host volumes have no sourcePath"),
        ({"volumes": [{"name": "v", "dockerVolumeConfiguration": {"driver": "local"}}]}, "dockerVolumeConfiguration"),
        ({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "f"}}]}, "efsVolumeConfiguration"),
        ({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "runs LINUX"),
    ],
)
def test_a_parameter_of_the_task_is_refused(parameters: dict[str, Any], reason: str) -> None:
    [violation] = violations(task(**parameters))
    assert reason in violation


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"privileged": True}, "privileged is not valid in a Fargate task"),
        ({"links": ["db"]}, "links is not valid in a Fargate task"),
        ({"dockerSecurityOptions": ["apparmor:unconfined"]}, "dockerSecurityOptions is not valid"),
        ({"extraHosts": [{"hostname": "a", "ipAddress": "1.2.3.4"}]}, "extraHosts is not valid"),
        ({"volumesFrom": [{"sourceContainer": "x"}]}, "volumesFrom is not supported"),
        ({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}, "capability NET_ADMIN"),
        ({"linuxParameters": {"capabilities": {"add": ["ALL"]}}}, "capability ALL"),
        ({"linuxParameters": {"devices": [{"hostPath": "/dev/kvm"}]}}, "linuxParameters.devices is not valid"),
        ({"linuxParameters": {"tmpfs": [{"containerPath": "/x", "size": 1}]}}, "linuxParameters.tmpfs is not valid"),
        ({"ulimits": [{"name": "memlock", "softLimit": 1, "hardLimit": 1}]}, "ulimit memlock"),
        ({"mountPoints": [{"sourceVolume": "/etc", "containerPath": "/etc"}]}, "unknown volume /etc"),
        ({"portMappings": [{"containerPort": 80, "hostPort": 22}]}, "hostPort 22 differs"),
        ({"dependsOn": [{"containerName": "none", "condition": "START"}]}, "dependsOn none START is not possible"),
        ({"logConfiguration": {"logDriver": "syslog"}}, "log driver 'syslog'"),
        ({"logConfiguration": {"logDriver": "awslogs", "options": {}}}, "log option awslogs-group is required"),
    ],
)
def test_a_parameter_of_a_container_is_refused(parameters: dict[str, Any], reason: str) -> None:
    found = violations(task(container(**parameters)))
    assert any(each.startswith("container app: ") and reason in each for each in found), found


@pytest.mark.parametrize("parameters", [{"logConfiguration": LOGS}, {"secrets": [{"name": "A", "valueFrom": "a"}]}])
def test_logs_and_secrets_need_an_execution_role(parameters: dict[str, Any]) -> None:
    [violation] = violations(task(container(**parameters), executionRoleArn=None))
    assert "execution role" in violation


def test_containers_that_wait_for_each_other_are_refused() -> None:
    def waiting(name: str, other: str) -> dict[str, Any]:
        return container(name=name, dependsOn=[{"containerName": other, "condition": "START"}])

    assert violations(task(waiting("a", "b"), container(name="b"))) == []
    [violation] = violations(task(waiting("a", "b"), waiting("b", "c"), waiting("c", "a")))
    assert "wait for each other" in violation


@pytest.mark.parametrize("name", [each for each in members("ContainerDefinition") if each not in CONTAINER_PARAMETERS])
def test_every_other_parameter_of_a_container_is_refused_by_name_unless_it_is_empty(name: str) -> None:
    for value in HARMLESS_VALUES:
        assert violations(task(container(**{name: value}))) == []
    for value in (True, "x", 1, ["x"], {"x": 1}):
        [violation] = violations(task(container(**{name: value})))
        assert violation.startswith(f"container app: {name} is not ")


@pytest.mark.parametrize("name", [each for each in members("TaskDefinition") if each not in TASK_PARAMETERS])
def test_every_other_parameter_of_a_task_is_refused_by_name_unless_it_is_empty(name: str) -> None:
    for value in HARMLESS_VALUES:
        assert violations(task(**{name: value})) == []
    for value in (True, "x", 1, ["x"], {"x": 1}):
        [violation] = violations(task(**{name: value}))
        assert violation.startswith(f"{name} is not ")


@pytest.mark.parametrize("name", members("LinuxParameters"))
def test_of_the_linux_parameters_only_two_are_taken(name: str) -> None:
    found = violations(task(container(linuxParameters={name: {"x": 1}})))
    assert bool(found) == (name not in {"capabilities", "initProcessEnabled"})
