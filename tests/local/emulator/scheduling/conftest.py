from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.local.emulator.conftest import Aws, running_emulator

PORT: Final = 8080
WAIT_SECONDS: Final = 30.0
FAKE_AGENT: Final = "tests.local.emulator.scheduling.fake_agent"
DEPLOYMENTS: Final = {
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
}


@pytest.fixture(scope="session")
def scheduling_endpoint() -> Iterator[str]:
    options = ("--engine", "/nonexistent", "--agent-settings", "/nonexistent", "--metric-minute", "1")
    with running_emulator(*options, module=FAKE_AGENT) as endpoint:
        yield endpoint


@dataclass
class Service:
    """A service of an account of its own behind a target group, with the names of its parts."""

    aws: Aws
    revisions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ecs, self.elbv2 = self.aws.client("ecs"), self.aws.client("elbv2")
        self.ecs.create_cluster(clusterName="shop")
        group = self.elbv2.create_target_group(
            Name="shop", Protocol="HTTP", Port=PORT, TargetType="ip", VpcId="vpc-1", HealthCheckIntervalSeconds=5,
            UnhealthyThresholdCount=2,
        )["TargetGroups"][0]  # fmt: skip
        self.group = group["TargetGroupArn"]
        [balancer] = self.elbv2.create_load_balancer(Name="shop", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"]
        self.elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )
        self.elbv2.modify_target_group_attributes(
            TargetGroupArn=self.group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]
        )

    def register(self, variables: Mapping[str, str] | None = None, *, health_check: bool = True) -> str:
        """Return the ARN of a new revision."""
        container: dict[str, Any] = {
            "name": "app",
            "image": "shop",
            "essential": True,
            "portMappings": [{"containerPort": PORT}],
            "environment": [{"name": name, "value": value} for name, value in (variables or {}).items()],
        }
        if health_check:
            container["healthCheck"] = {"command": ["CMD", "true"]}
        definition = self.ecs.register_task_definition(
            family="shop", networkMode="awsvpc", containerDefinitions=[container]
        )
        return str(definition["taskDefinition"]["taskDefinitionArn"])

    def create(self, revision: str, desired: int = 2, **options: object) -> None:
        self.ecs.create_service(
            cluster="shop", serviceName="shop", taskDefinition=revision, desiredCount=desired, launchType="FARGATE",
            loadBalancers=[{"targetGroupArn": self.group, "containerName": "app", "containerPort": PORT}],
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            **{"deploymentConfiguration": DEPLOYMENTS, **options},
        )  # fmt: skip

    def update(self, **changes: object) -> None:
        self.ecs.update_service(cluster="shop", service="shop", **changes)

    def describe(self) -> dict[str, Any]:
        [service] = self.ecs.describe_services(cluster="shop", services=["shop"])["services"]
        return dict(service)

    def rollout_state(self) -> str:
        """Return that of the primary deployment."""
        return next(str(each["rolloutState"]) for each in self.describe()["deployments"] if each["status"] == "PRIMARY")

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(cluster="shop", serviceName="shop", desiredStatus=status)["taskArns"]
        return list(self.ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]) if arns else []

    def targets(self) -> dict[str, str]:
        """Return the state of each target by its address."""
        health = self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in health}

    def is_stable(self, revision: str, count: int) -> bool:
        """Return whether so many healthy tasks of the revision run, and no others, and they are the targets."""
        service = self.describe()
        tasks = self.tasks()
        addresses = {address_of(each) for each in tasks if each["lastStatus"] == "RUNNING"}
        healthy = {address for address, state in self.targets().items() if state == "healthy"}
        return (
            self.rollout_state() == "COMPLETED"
            and service["taskDefinition"] == revision
            and len(tasks) == count
            and {each["taskDefinitionArn"] for each in tasks} <= {revision}
            and addresses == healthy
            and len(healthy) == count
        )

    def await_stable(self, revision: str, count: int = 2) -> None:
        wait_until(lambda: self.is_stable(revision, count), self.state)

    def state(self) -> str:
        service = {name: self.describe()[name] for name in ("taskDefinition", "desiredCount", "deployments", "events")}
        return json.dumps([service, self.targets(), self.tasks(), self.tasks("STOPPED")], default=str, indent=1)


def address_of(task: Mapping[str, Any]) -> str:
    details = task["attachments"][0]["details"]
    return next(str(each["value"]) for each in details if each["name"] == "privateIPv4Address")


def tell(task: Mapping[str, Any], path: str, body: str) -> None:
    """Have a task of the fake agent change."""
    url = f"http://{address_of(task)}:{PORT}{path}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(url, data=body.encode(), method="POST"), timeout=5).close()


def wait_until(condition: Callable[[], bool], describe: Callable[[], str]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, describe()
        time.sleep(0.1)


@pytest.fixture
def service(scheduling_endpoint: str, socket_enabled: None) -> Iterator[Service]:  # noqa: ARG001 - the emulator's port
    service = Service(Aws(scheduling_endpoint))
    yield service
    service.ecs.delete_service(cluster="shop", service="shop", force=True)
