"""The service that `make up` has deployed in containers: change it, and wait for what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME, Output
from local.service import revision
from tests.containers.engine import docker
from tests.local_environment import METRIC_MINUTE, LocalEnvironment

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef, TaskTypeDef

T = TypeVar("T")

STABLE_SECONDS: Final = 150.0
POLL_SECONDS: Final = 0.1
MORE_MINUTES: Final = 3
"""Of metrics, in which the emulated scheduler notices that the bake time is over."""

# Shorter than AWS takes them, or than they are deployed, so that a test takes seconds.
HEALTH_INTERVAL: Final = 2
HEALTH_CHECK: Final = {"interval": HEALTH_INTERVAL, "timeout": 5, "retries": 3, "startPeriod": 60}
GRACE_SECONDS: Final = 60
BASELINE: Final = "baseline"
SIZE: Final = {"cpu": "1024", "memory": "2048"}
"""A task that is not held up by its share of a CPU."""
DRAIN_SECONDS: Final = 2
TARGET_INTERVAL: Final = 5
TARGET_THRESHOLD: Final = 2


@dataclass
class Deployment(LocalEnvironment):
    """The service, and its containers."""

    @property
    def service(self) -> ServiceTypeDef:
        return revision.service_of(self.aws, self.outputs)

    @property
    def container_name(self) -> str:
        return revision.container_name(self.service)

    @property
    def names(self) -> dict[str, Any]:
        """Return the parameters by which ECS finds the service."""
        return {"cluster": self.outputs[Output.CLUSTER], "service": self.outputs[Output.SERVICE]}

    def quicken(self) -> None:
        """Have the load balancer notice soon what becomes of a target."""
        group, elbv2 = self.outputs[Output.TARGET_GROUP], self.aws.elbv2
        elbv2.modify_target_group(
            TargetGroupArn=group,
            HealthCheckIntervalSeconds=TARGET_INTERVAL,
            HealthCheckTimeoutSeconds=2,
            UnhealthyThresholdCount=TARGET_THRESHOLD,
        )
        self.drain(DRAIN_SECONDS)
        self.aws.ecs.update_service(**self.names, healthCheckGracePeriodSeconds=GRACE_SECONDS)

    def scale(self, *, minimum: int, maximum: int) -> None:
        """Change the bounds of the service's scalable target."""
        self.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=f"service/{self.names['cluster']}/{self.names['service']}",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=minimum,
            MaxCapacity=maximum,
        )

    def drain(self, seconds: int) -> None:
        """Set how long a target keeps the requests that it has before its task is stopped."""
        self.aws.elbv2.modify_target_group_attributes(
            TargetGroupArn=self.outputs[Output.TARGET_GROUP],
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}],
        )

    def register(
        self,
        variables: Mapping[str, str] | None = None,
        *,
        container: Mapping[str, Any] | None = None,
        sidecar: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        task: Mapping[str, Any] | None = None,
        has_sidecar: bool = True,
    ) -> str:
        """Register a revision of the deployed task definition with these differences; return its ARN."""
        deployed: Any = self.aws.ecs.describe_task_definition(taskDefinition=self.outputs[Output.TASK_DEFINITION])
        definition = deployed["taskDefinition"]
        check = self._deployed_check(definition) | HEALTH_CHECK
        changes = {
            self.container_name: {"healthCheck": check, **(container or {})},
            XRAY_DAEMON_CONTAINER_NAME: dict(sidecar or {}),
        }
        containers = [each | changes.get(each["name"], {}) for each in definition["containerDefinitions"]]
        for each in containers:
            if each["name"] == self.container_name:
                pairs = {pair["name"]: pair["value"] for pair in each["environment"]} | dict(variables or {})
                each["environment"] = [{"name": name, "value": value} for name, value in pairs.items()]
                sources = {pair["name"]: pair["valueFrom"] for pair in each["secrets"]} | dict(secrets or {})
                each["secrets"] = [{"name": name, "valueFrom": value} for name, value in sources.items()]
        if not has_sidecar:
            containers = [each | {"dependsOn": []} for each in containers if each["name"] != XRAY_DAEMON_CONTAINER_NAME]
        inherited: dict[str, Any] = {name: definition[name] for name in revision.INHERITED if definition.get(name)}
        registered = self.aws.ecs.register_task_definition(
            **inherited | SIZE | dict(task or {}), containerDefinitions=containers
        )
        return registered["taskDefinition"]["taskDefinitionArn"]

    def _deployed_check(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        by_name = {each["name"]: each for each in definition["containerDefinitions"]}
        check: dict[str, Any] = by_name[self.container_name]["healthCheck"]
        return check

    @cached_property
    def baseline(self) -> str:
        """Return the revision that tests begin with."""
        return self.register({"RELEASE": BASELINE})

    def update(self, task_definition: str | None = None, **changes: Any) -> str:  # noqa: ANN401 - parameters of UpdateService
        """Update the service; return the id of its newest deployment."""
        if task_definition is not None:
            changes["taskDefinition"] = task_definition
        service = self.aws.ecs.update_service(**self.names, **changes)["service"]
        return str(service["deployments"][0]["id"])

    def settle(self) -> None:
        """Have one task of the first revision run, and nothing else."""
        self.scale(minimum=1, maximum=3)
        self.update(self.baseline, desiredCount=1)
        self.wait_until_stable()

    def outlast_bake_time(self) -> None:
        """Wait until the next deployment is rolled back to this one: before, an alarm could still fail it."""
        names = self.service["deploymentConfiguration"]["alarms"]["alarmNames"]
        alarms = self.aws.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
        time.sleep((max(each["EvaluationPeriods"] for each in alarms) + MORE_MINUTES) * METRIC_MINUTE)

    def wait_until_stable(self, count: int | None = None) -> list[TaskTypeDef]:
        """Wait until the deployment is complete, and the tasks and their targets healthy; return the tasks.

        Others may still be stopping.
        """

        def stable() -> list[TaskTypeDef] | None:
            service = self.service
            wanted = service["desiredCount"] if count is None else count
            tasks = self.tasks()
            done = primary_of(service).get("rolloutState") == "COMPLETED"
            right = all(each["taskDefinitionArn"] == service["taskDefinition"] for each in tasks)
            healthy = all(each.get("healthStatus") == "HEALTHY" for each in tasks)
            return tasks if done and right and healthy and len(tasks) == wanted == self._healthy_targets() else None

        return self.wait(stable, self.explain)

    def _healthy_targets(self) -> int:
        """Return how many targets get requests: a task's containers are healthy before its target is."""
        group = self.state.outputs[Output.TARGET_GROUP]
        health = self.aws.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return sum(each["TargetHealth"].get("State") == "healthy" for each in health)

    def deployment(self, number: str) -> DeploymentTypeDef | None:
        """Return a deployment of the service by its id."""
        return next((each for each in self.service["deployments"] if each["id"] == number), None)

    def wait_until_failed(self, number: str) -> DeploymentTypeDef:
        """Wait until a deployment has failed."""

        def failed() -> DeploymentTypeDef | None:
            found = self.deployment(number)
            return found if found is not None and found.get("rolloutState") == "FAILED" else None

        return self.wait(failed, self.explain)

    def events(self, since: int = 0) -> list[str]:
        """Return the messages of the service's events, the newest first, without the `since` oldest."""
        events = [each["message"] for each in self.service["events"]]
        return events[: len(events) - since]

    def tasks(self, desired_status: Literal["RUNNING", "STOPPED"] = "RUNNING") -> list[TaskTypeDef]:
        """Return the service's tasks that have not been told to stop, or those that have; the newest last."""
        cluster = self.names["cluster"]
        listed = self.aws.ecs.list_tasks(
            cluster=cluster, serviceName=self.names["service"], desiredStatus=desired_status
        )["taskArns"]
        found = self.aws.ecs.describe_tasks(cluster=cluster, tasks=listed)["tasks"] if listed else []
        return sorted(found, key=lambda each: each["createdAt"])

    def wait_until_stopped(self, arn: str) -> TaskTypeDef:
        """Wait until nothing of a task is left."""

        def stopped() -> TaskTypeDef | None:
            ended = [each for each in self.tasks("STOPPED") if each["lastStatus"] == "STOPPED"]
            return next((each for each in ended if each["taskArn"] == arn), None)

        return self.wait(stopped, self.explain)

    def failures_of(self, task_definition: str) -> list[TaskTypeDef]:
        """Return the tasks of a revision that have been told to stop."""
        return [each for each in self.tasks("STOPPED") if each["taskDefinitionArn"] == task_definition]

    def explain(self) -> str:
        """Return what is going on, for the message of a failure."""
        service = self.service
        deployments = [
            (each["id"], each["status"], each["taskDefinition"].rpartition("/")[2], each.get("rolloutState"),
             each["desiredCount"], each["runningCount"], each.get("failedTasks"))
            for each in service["deployments"]
        ]  # fmt: skip
        tasks = [
            (each["taskArn"][-8:], each["taskDefinitionArn"].rpartition(":")[2], each["lastStatus"],
             each.get("healthStatus"), each.get("stoppedReason"))
            for each in (*self.tasks(), *self.tasks("STOPPED"))
        ]  # fmt: skip
        log = self.folders.log("emulator").read_text(encoding="utf-8", errors="replace")[-3000:]
        return "\n".join(map(str, (*deployments, *tasks, *self.events()[:12], log)))

    # The engine

    def engine_name(self, task: TaskTypeDef, container: str) -> str:
        """Return the engine's id of a task's container."""
        return next(each["runtimeId"] for each in task["containers"] if each["name"] == container)

    def python(self, task: TaskTypeDef, program: str, stdin: str) -> str:
        """Run a program in the service's container, as its user."""
        name = self.engine_name(task, self.container_name)
        return docker("exec", "--interactive", name, "python", "-c", program, stdin=stdin, seconds=120).stdout

    @staticmethod
    def wait(condition: Callable[[], T | None], explain: Callable[[], str], seconds: float = STABLE_SECONDS) -> T:
        """Return what `condition` returns once that is neither None nor false."""
        end = time.monotonic() + seconds
        while True:
            if result := condition():
                return result
            assert time.monotonic() < end, explain()
            time.sleep(POLL_SECONDS)


def primary_of(service: ServiceTypeDef) -> DeploymentTypeDef:
    return next(each for each in service["deployments"] if each["status"] == "PRIMARY")
