"""Run a web container on Fargate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, Tags
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra.findings import CHECKOV, GUARD, NAG, acknowledge
from infra.logs import ContainerOutput
from infra.network import Network

HEALTH_CHECK_GRACE_PERIOD: Final = Duration.seconds(60)
"""Grace period in which a new task may fail its health checks."""
TMP_VOLUME: Final = "scratch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The container to run: `health_command` is a command in the image; None leaves it to the load balancer.

    `cpu` is its share of the task's CPU units while other containers want theirs, `memory` its own limit in MiB.
    """

    name: str
    image: ecs.ContainerImage
    port: int
    cpu: int
    memory: int
    variables: Mapping[str, str]
    secrets: Mapping[str, ecs.Secret]
    health_command: Sequence[str] | None
    user: str | None
    """`uid:gid`, not root; None is the image's own."""
    read_only: bool
    """Whether the root file system is; ECS Exec writes to it ("Using Amazon ECS Exec")."""
    stop_timeout: Duration


_MEMORY: Final = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
}
"""The MiB that Fargate offers for each number of CPU units ("Task CPU and memory", Amazon ECS Developer Guide)."""
_ALL: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Size and number of tasks: `cpu` in CPU units (1024 is one vCPU) and `memory` in MiB, for all containers together.

    Raises `ValueError` for a value that Fargate does not take.
    """

    cpu: int
    memory: int
    workers: int
    """gunicorn processes."""
    minimum: int
    maximum: int
    desired: int | None = None
    """None leaves the count to autoscaling, so that a deployment under load never scales in."""
    threads: int = 8
    """Of each gunicorn process: requests, streams included, that it serves at once ("Threads and streams",
    docs/telemetry.md)."""
    arm64: bool = False
    """Whether they run on AWS Graviton, which costs about a fifth less; an image that is given must be built for it."""
    spot_percent: int = 0
    """The share of the tasks above `minimum` that run on Fargate Spot, up to 70 % cheaper: AWS can stop each
    of them at two minutes' notice."""
    ecs_exec: bool = False
    """Whether `aws ecs execute-command` can open a shell in a container, whose root file system is then writable."""
    container_insights: bool = False

    def __post_init__(self) -> None:
        if self.memory not in _MEMORY.get(self.cpu, ()):
            offered = ", ".join(map(str, _MEMORY.get(self.cpu, ()))) or f"for cpu one of {', '.join(map(str, _MEMORY))}"
            raise ValueError(f"memory {self.memory!r} does not go with cpu {self.cpu!r}: Fargate offers {offered}")
        if not 1 <= self.minimum <= (self.desired or self.minimum) <= self.maximum:
            raise ValueError(
                f"minimum {self.minimum!r}, desired {self.desired!r} and maximum {self.maximum!r} are out of order: "
                "use 1 <= minimum <= desired <= maximum"
            )
        if self.threads < 1:
            raise ValueError(f"threads {self.threads!r} is out of range: use 1 or more")
        if not 0 <= self.spot_percent < _ALL:  # a provider of weight 0 runs no task, not even its base
            raise ValueError(f"spot_percent {self.spot_percent!r} is out of range: use 0 to 99")


class FargateService(Construct):
    """Create the cluster, the task definition with its container, and the service that keeps it running."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        container: Container,
        tasks: Tasks,
        version: str,
        output: ContainerOutput,
    ) -> None:
        super().__init__(scope, construct_id)
        insights = ecs.ContainerInsights.ENABLED if tasks.container_insights else ecs.ContainerInsights.DISABLED

        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=network.vpc,
            container_insights_v2=insights,
        )
        self.task_definition = _task_definition(self, tasks)
        self.container = _add_container(
            self.task_definition,
            container,
            logging=output.driver(container.name),
        )
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task_definition,
            desired_count=tasks.desired,
            vpc_subnets=network.task_subnets,
            assign_public_ip=network.tasks_are_public,
            # All old tasks stay until the new ones are healthy; a version that never gets healthy is rolled back.
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=HEALTH_CHECK_GRACE_PERIOD,
            enable_execute_command=tasks.ecs_exec,
            capacity_provider_strategies=_spot(tasks),
            propagate_tags=ecs.PropagatedTagSource.TASK_DEFINITION,
        )
        if tasks.spot_percent > 0:
            self._associate_spot()
        self._acknowledge(tasks, network)
        # Only here, and not on the stack: there each deploy would change the tags of all its resources.
        for versioned in (self.task_definition, self.service):
            Tags.of(versioned).add("version", version)

    def _associate_spot(self) -> None:
        """Give the cluster both capacity providers, before the service asks for them.

        The cluster's own way to do so makes the same resource, and no dependency of the service on it.
        """
        association = ecs.CfnClusterCapacityProviderAssociations(
            self,
            "CapacityProviders",
            cluster=self.cluster.cluster_name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategy=[],
        )
        self.service.node.add_dependency(association)

    def _acknowledge(self, tasks: Tasks, network: Network) -> None:
        acknowledge(
            self.task_definition,
            f"{NAG}ECS2",
            because="The variables are settings; keys are among the secrets, which ECS reads when a task starts.",
        )
        if not tasks.container_insights:
            acknowledge(
                self.cluster,
                f"{NAG}ECS4",
                f"{GUARD}ecs_container_insights_enabled_check",
                f"{CHECKOV}CKV_AWS_65",
                because="`container_insights` of the environment's tasks is off: billed as custom metrics.",
            )
        if network.tasks_are_public:
            acknowledge(
                self.service.node.find_child("Service"),
                f"{GUARD}ecs_service_assign_public_ip_disabled_check",
                because="Without a NAT gateway a task reaches the sinks by an address of its own; only the load"
                " balancer reaches the task.",
            )


def _spot(tasks: Tasks) -> Sequence[ecs.CapacityProviderStrategy] | None:
    """Return the shares of the two capacity providers; without Spot none, which is Fargate itself."""
    if tasks.spot_percent == 0:
        return None
    return [
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=tasks.minimum, weight=_ALL - tasks.spot_percent),
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=tasks.spot_percent),
    ]


def _task_definition(scope: Construct, tasks: Tasks) -> ecs.FargateTaskDefinition:
    return ecs.FargateTaskDefinition(
        scope,
        "Task",
        cpu=tasks.cpu,
        memory_limit_mib=tasks.memory,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.ARM64 if tasks.arm64 else ecs.CpuArchitecture.X86_64,
            operating_system_family=ecs.OperatingSystemFamily.LINUX,
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
        user=container.user,
        logging=logging,
        readonly_root_filesystem=container.read_only,
        port_mappings=[ecs.PortMapping(container_port=container.port)],
        stop_timeout=container.stop_timeout,
        health_check=_health_check(container.health_command),
    )
    definition.add_mount_points(ecs.MountPoint(container_path="/tmp", source_volume=TMP_VOLUME, read_only=False))  # noqa: S108 - the one writable folder, named by its mount
    return definition


def _health_check(command: Sequence[str] | None) -> ecs.HealthCheck | None:
    if command is None:
        return None
    return ecs.HealthCheck(
        command=["CMD", *command],
        interval=Duration.seconds(10),
        timeout=Duration.seconds(5),
        retries=3,
        start_period=HEALTH_CHECK_GRACE_PERIOD,
    )
