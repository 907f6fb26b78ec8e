"""Run a web container on Fargate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra.logs import ContainerOutput
from infra.network import Network

START_UP: Final = Duration.seconds(60)
"""Grace period in which a new task may fail its health checks."""
TMP_VOLUME: Final = "scratch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The container to run: `health_command` is a command in the image.

    `cpu` is its share of the task's CPU units while other containers want theirs, `memory` its own limit in MiB.
    """

    name: str
    image: ecs.ContainerImage
    port: int
    cpu: int
    memory: int
    variables: Mapping[str, str]
    secrets: Mapping[str, ecs.Secret]
    health_command: Sequence[str]
    stop_timeout: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Size and number of tasks: `cpu` in CPU units and `memory` in MiB, for all containers of a task together."""

    cpu: int
    memory: int
    desired: int | None


class FargateService(Construct):
    """Create the cluster, the task definition with its container, and the service that keeps it running."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        container: Container,
        task: Task,
        output: ContainerOutput,
        container_insights: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        insights = ecs.ContainerInsights.ENABLED if container_insights else ecs.ContainerInsights.DISABLED

        self.cluster = ecs.Cluster(self, "Cluster", vpc=network.vpc, container_insights_v2=insights)
        self.task_definition = _task_definition(self, task)
        self.container = _add_container(self.task_definition, container, logging=output.driver(container.name))
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task_definition,
            desired_count=task.desired,
            vpc_subnets=network.task_subnets,
            assign_public_ip=network.tasks_are_public,
            # All old tasks stay until the new ones are healthy; a version that never gets healthy is rolled back.
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=START_UP,
        )


def _task_definition(scope: Construct, task: Task) -> ecs.FargateTaskDefinition:
    return ecs.FargateTaskDefinition(
        scope,
        "Task",
        cpu=task.cpu,
        memory_limit_mib=task.memory,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
        ),
        # Fargate has no tmpfs ("LinuxParameters", Amazon ECS API Reference): /tmp is a volume of the task, which takes
        # its owner and mode from a VOLUME of the image ("Use bind mounts with Amazon ECS", Developer Guide).
        volumes=[ecs.Volume(name=TMP_VOLUME)],
    )


def _add_container(
    task_definition: ecs.FargateTaskDefinition, container: Container, *, logging: ecs.LogDriver
) -> ecs.ContainerDefinition:
    definition = task_definition.add_container(
        container.name,
        image=container.image,
        # Without one it would get two units, and the sidecar sixteen times as much under contention.
        cpu=container.cpu,
        memory_limit_mib=container.memory,
        environment=container.variables,
        secrets=container.secrets,
        logging=logging,
        readonly_root_filesystem=True,
        port_mappings=[ecs.PortMapping(container_port=container.port)],
        stop_timeout=container.stop_timeout,
        health_check=ecs.HealthCheck(
            command=["CMD", *container.health_command],
            interval=Duration.seconds(10),
            timeout=Duration.seconds(5),
            retries=3,
            start_period=START_UP,
        ),
    )
    definition.add_mount_points(ecs.MountPoint(container_path="/tmp", source_volume=TMP_VOLUME, read_only=False))  # noqa: S108 - the one writable folder, named by its mount
    return definition
