"""Add the X-Ray daemon to a task definition as a sidecar."""

from pathlib import Path
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME, XRAY_DAEMON_PORT
from infra.findings import NAG, acknowledge
from infra.xray_daemon_image import IMAGE

CPU: Final = 32
"""CPU units: 3 % of a vCPU; AWS publishes 1 % for 100 segments a second."""
MEMORY: Final = 128
"""MiB, hard limit: four times the memory that AWS publishes for 100 segments a second."""
USER: Final = "65534:65534"
"""Nobody: it listens on a high port and writes no file."""
MEMORY_RESERVED: Final = 32
RESTART_PERIOD: Final = Duration.seconds(60)
"""How long it must have run to be started again, the least that there is: by default, one that ends in its first five
minutes stays away ("ContainerRestartPolicy", Amazon ECS API Reference)."""
BUFFER_MEMORY: Final = 32
"""MiB of segments that it buffers, by default 1 % of the host's memory, which may be more than its limit."""

ACTIONS: Final = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
)
"""The actions of the managed policy AWSXRayDaemonWriteAccess."""


_WHY_ANY_RESOURCE: Final = (
    "X-Ray's actions take no resource but * (Actions, resources, and condition keys for AWS X-Ray)."
)


def xray_daemon_image(*, copied: bool, arm64: bool) -> ecs.ContainerImage:
    """Return the daemon's image: the public one, or a copy in the account, for a task that cannot reach the public one.

    The public registry has no interface endpoint ("Amazon ECR interface VPC endpoints", Amazon ECR User Guide).
    """
    if not copied:
        return ecs.ContainerImage.from_registry(IMAGE)
    return ecs.ContainerImage.from_asset(
        str(Path(__file__).parent / "xray_daemon"),
        build_args={"IMAGE": IMAGE},
        platform=ecr_assets.Platform.LINUX_ARM64 if arm64 else ecr_assets.Platform.LINUX_AMD64,
    )


def add_xray_daemon(
    task_definition: ecs.FargateTaskDefinition,
    *,
    beside: ecs.ContainerDefinition,
    region: str,
    logging: ecs.LogDriver,
    image: ecs.ContainerImage,
) -> None:
    """Add the daemon, which ECS starts again if it ends: the task survives its exit.

    `beside` starts after it, and so it stops before it: ECS stops containers in reverse, and the last segments of a
    task still find the port open ("Container dependency", Amazon ECS task definition parameters).
    """
    daemon = task_definition.add_container(
        XRAY_DAEMON_CONTAINER_NAME,
        image=image,
        # Fargate has no EC2 instance metadata ("Configuring the AWS X-Ray daemon": -o).
        command=["--local-mode", "--log-level", "warn", "--buffer-memory", str(BUFFER_MEMORY)],
        environment={"AWS_REGION": region},
        essential=False,
        user=USER,
        enable_restart_policy=True,
        restart_attempt_period=RESTART_PERIOD,
        cpu=CPU,
        memory_limit_mib=MEMORY,
        memory_reservation_mib=MEMORY_RESERVED,
        readonly_root_filesystem=True,
        port_mappings=[ecs.PortMapping(container_port=XRAY_DAEMON_PORT, protocol=ecs.Protocol.UDP)],
        logging=logging,
    )
    started = ecs.ContainerDependency(container=daemon, condition=ecs.ContainerDependencyCondition.START)
    beside.add_container_dependencies(started)
    task_definition.add_to_task_role_policy(iam.PolicyStatement(actions=list(ACTIONS), resources=["*"]))
    policy = task_definition.task_role.node.find_child("DefaultPolicy")
    acknowledge(policy, f"{NAG}IAM5[Resource::*]", because=_WHY_ANY_RESOURCE)
