from __future__ import annotations

import pytest

from tests.local.emulator.conftest import Aws, Template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CONTAINER: Template = {
    "Name": "backend-flask",
    "Image": "cruddur-backend-flask:local",
    "Essential": True,
    "User": "10001",
    "Cpu": 224,
    "MemoryReservation": 448,
    "PortMappings": [{"ContainerPort": 4567, "Protocol": "tcp", "AppProtocol": "http", "Name": "web"}],
    "Environment": [{"Name": "PORT", "Value": "4567"}],
    "Secrets": [{"Name": "HONEYCOMB_API_KEY", "ValueFrom": {"Ref": "Key"}}],
    "HealthCheck": {"Command": ["CMD-SHELL", "true"], "Interval": 10, "StartPeriod": 5},
    "StopTimeout": 30,
    "DependsOn": [{"ContainerName": "xray-daemon", "Condition": "START"}],
    "MountPoints": [{"SourceVolume": "scratch", "ContainerPath": "/tmp", "ReadOnly": False}],  # noqa: S108 - a path in the container
    "ReadonlyRootFilesystem": True,
    "LinuxParameters": {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}},
    "Ulimits": [{"Name": "nofile", "SoftLimit": 1024, "HardLimit": 4096}],
    "DockerLabels": {"Com.Example.Owner": "Cruddur"},
    "LogConfiguration": {
        "LogDriver": "awslogs",
        "Options": {"awslogs-group": "containers", "mode": "non-blocking"},
        "SecretOptions": [{"Name": "token", "ValueFrom": "arn:fake"}],
    },
}
SIDECAR: Template = {"Name": "xray-daemon", "Image": "xray", "Essential": False}

EXPECTED: Template = {
    "name": "backend-flask",
    "image": "cruddur-backend-flask:local",
    "essential": True,
    "user": "10001",
    "cpu": 224,
    "memoryReservation": 448,
    "portMappings": [{"containerPort": 4567, "protocol": "tcp", "appProtocol": "http", "name": "web"}],
    "environment": [{"name": "PORT", "value": "4567"}],
    "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 10, "startPeriod": 5},
    "stopTimeout": 30,
    "dependsOn": [{"containerName": "xray-daemon", "condition": "START"}],
    "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": False}],  # noqa: S108 - a path in the container
    "readonlyRootFilesystem": True,
    "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
    "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
    "dockerLabels": {"Com.Example.Owner": "Cruddur"},
    "logConfiguration": {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "containers", "mode": "non-blocking"},
        "secretOptions": [{"name": "token", "valueFrom": "arn:fake"}],
    },
}
VOLUMES: list[Template] = [
    {"Name": "scratch"},
    {"Name": "shared", "EFSVolumeConfiguration": {"FilesystemId": "fs-1", "TransitEncryption": "ENABLED"}},
]


def resources(port: str = "4567") -> Template:
    container = {**CONTAINER, "Environment": [{"Name": "PORT", "Value": port}]}
    task = {
        "Family": "backend",
        "RequiresCompatibilities": ["FARGATE"],
        "NetworkMode": "awsvpc",
        "Cpu": "256",
        "Memory": "512",
        "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"},
        "EphemeralStorage": {"SizeInGiB": 30},
        "Volumes": VOLUMES,
        "ContainerDefinitions": [container, SIDECAR],
    }
    network = {
        "AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "ENABLED"}
    }
    service = {
        "ServiceName": "backend",
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "Task"},
        "DesiredCount": 1,
        "LaunchType": "FARGATE",
        "HealthCheckGracePeriodSeconds": 20,
        "EnableExecuteCommand": True,
        "DeploymentConfiguration": {"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
        "NetworkConfiguration": network,
    }
    return {
        "Key": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "key", "SecretString": "replace-me"}},
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
        "Service": {"Type": "AWS::ECS::Service", "Properties": service},
    }


def task_definition(aws: Aws, revision: str) -> Template:
    task: Template = aws.client("ecs").describe_task_definition(taskDefinition=revision)["taskDefinition"]
    return task


def test_a_task_definition_is_described_as_in_its_template(aws: Aws) -> None:
    stack = aws.stack(resources())

    task = task_definition(aws, stack.physical_id("Task"))

    secrets = [{"name": "HONEYCOMB_API_KEY", "valueFrom": stack.physical_id("Key")}]
    assert task["containerDefinitions"][0] == {**EXPECTED, "secrets": secrets}
    assert task["volumes"] == [
        {"name": "scratch"},
        {"name": "shared", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}},
    ]
    assert task["runtimePlatform"] == {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}
    assert task["ephemeralStorage"] == {"sizeInGiB": 30}
    assert (task["cpu"], task["memory"], task["networkMode"]) == ("256", "512", "awsvpc")


def test_a_changed_task_definition_is_a_complete_new_revision_of_the_service(aws: Aws) -> None:
    stack = aws.stack(resources())
    first = stack.physical_id("Task")

    stack.update(resources("8080"))

    second = stack.physical_id("Task")
    [service] = aws.client("ecs").describe_services(cluster=stack.physical_id("Cluster"), services=["backend"])[
        "services"
    ]
    container = task_definition(aws, second)["containerDefinitions"][0]
    assert first.endswith("backend:1")
    assert second.endswith("backend:2")
    assert service["taskDefinition"] == second
    assert container["environment"] == [{"name": "PORT", "value": "8080"}]
    assert container["healthCheck"] == EXPECTED["healthCheck"]


def test_a_service_is_described_as_in_its_template(aws: Aws) -> None:
    stack = aws.stack(resources())

    [service] = aws.client("ecs").describe_services(cluster=stack.physical_id("Cluster"), services=["backend"])[
        "services"
    ]

    assert (service["desiredCount"], service["launchType"], service["status"]) == (1, "FARGATE", "ACTIVE")
    assert service["healthCheckGracePeriodSeconds"] == 20
    assert service["enableExecuteCommand"] is True
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"

    stack.delete()
    assert aws.client("ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"] == []
