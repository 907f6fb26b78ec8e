"""Read the settings of a service that decide how far it scales from its synthesized templates."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME, Variable
from operations.cost import routes
from operations.cost.containers import application_of, containers
from operations.cost.reading import Notes, Reader
from operations.cost.sampling import Sampling, sampling_of, whole
from operations.cost.scaling import Scaling, scalings, task_definition
from operations.cost.templates import Resource, Templates
from operations.errors import OperatorError
from operations.scale.target_tracking import COOLDOWN

_RESERVED_ADDRESSES: Final = 5
"""Of each subnet ("Subnet CIDR blocks", Amazon VPC User Guide)."""
_DAEMON_BUFFER: Final = 64 * 1024
"""Bytes of the buffer of one segment (`Socket.BufferSizeKB`, pkg/cfg/cfg.go of the X-Ray daemon)."""
_PUBLIC_REGISTRY: Final = "public.ecr.aws/"
_REMEDY: Final = "Synthesize the stacks of infra/ without others: make synth"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledService:
    """The settings of one environment's service."""

    environment: str
    scaling: Scaling
    sampling: Sampling
    app_memory: float
    """MiB of the application container."""
    workers: int
    """Processes of a task."""
    threads: int
    """Of a process."""
    spot_share: float
    """Of the tasks above the minimum, those that run on Fargate Spot."""
    out_cooldown: int
    """Seconds after a scale-out, as `in_cooldown` after a scale-in."""
    in_cooldown: int
    maximum_percent: float
    """Of the tasks that a rolling deployment may run."""
    health_interval: float
    """Seconds between two health checks of the load balancer."""
    secrets: int
    """That a task reads when it starts."""
    public_images: int
    addresses: int | None
    """Free ones of the tasks' subnets; None for a VPC that is not the template's."""
    nat_gateways: int
    endpoints: frozenset[str]
    """Services with an interface endpoint, as `logs`."""
    daemon_cpu: float
    """CPU units."""
    daemon_buffers: int
    metric_filters: int


def service_of(templates: Templates) -> ScaledService:
    """Return the settings. Raises `OperatorError` where they have no such service, or several."""
    service = _only(templates, "AWS::ECS::Service")
    reader = Reader(templates, Notes())
    application = application_of(tuple(containers(reader)))
    definition = task_definition(reader, service)
    declared = definition.records("ContainerDefinitions") if definition else []
    by_name: dict[str, Mapping[str, Any]] = {str(each.get("Name")): each for each in declared}
    daemon = by_name.get(XRAY_DAEMON_CONTAINER_NAME)
    if application is None or definition is None or daemon is None:
        raise OperatorError(f"{service} runs no application with the X-Ray daemon beside it", _REMEDY)

    def of_container(container: Mapping[str, Any], name: str) -> float:
        return reader.amount(definition, f"ContainerDefinitions.{name}", container.get(name), 0)

    out_cooldown, in_cooldown = _cooldowns(templates)
    target_group = _only(templates, "AWS::ElasticLoadBalancingV2::TargetGroup")
    return ScaledService(
        environment=templates.environment,
        scaling=next(scalings(reader)),
        sampling=sampling_of(reader, application),
        app_memory=of_container(by_name[application.name], "Memory"),
        workers=int(whole(application.variable(Variable.WEB_CONCURRENCY), 1)),
        threads=int(whole(application.variable(Variable.WEB_THREADS), 1)),
        spot_share=_spot_share(service),
        out_cooldown=out_cooldown,
        in_cooldown=in_cooldown,
        maximum_percent=reader.number(service, "DeploymentConfiguration", "MaximumPercent", default=200),
        health_interval=reader.number(target_group, "HealthCheckIntervalSeconds", default=30),
        secrets=sum(len(each.get("Secrets", ())) for each in declared),
        public_images=sum(str(each.get("Image")).startswith(_PUBLIC_REGISTRY) for each in declared),
        addresses=_addresses(templates, service),
        nat_gateways=sum(
            each.get("ConnectivityType") != "private" for each in templates.of_type("AWS::EC2::NatGateway")
        ),
        endpoints=_endpoints(templates),
        daemon_cpu=of_container(daemon, "Cpu"),
        daemon_buffers=_daemon_buffers(daemon.get("Command", ())),
        metric_filters=len(list(templates.of_type("AWS::Logs::MetricFilter"))),
    )


def _only(templates: Templates, resource_type: str) -> Resource:
    resources = list(templates.of_type(resource_type))
    if len(resources) != 1:
        raise OperatorError(
            f"The templates have {len(resources)} resources of {resource_type}: the limits are those of one service",
            _REMEDY,
        )
    return resources[0]


def _cooldowns(templates: Templates) -> tuple[int, int]:
    """Return those of the first policy that tracks a target: the stacks give all the same."""
    for policy in templates.of_type("AWS::ApplicationAutoScaling::ScalingPolicy"):
        configuration = policy.get("TargetTrackingScalingPolicyConfiguration")
        if isinstance(configuration, Mapping):
            return configuration.get("ScaleOutCooldown", COOLDOWN), configuration.get("ScaleInCooldown", COOLDOWN)
    return COOLDOWN, COOLDOWN


def _spot_share(service: Resource) -> float:
    strategy = service.records("CapacityProviderStrategy")
    weights = {str(each["CapacityProvider"]): float(each.get("Weight", 0)) for each in strategy}
    return weights.get("FARGATE_SPOT", 0.0) / (sum(weights.values()) or 1.0)


def _addresses(templates: Templates, service: Resource) -> int | None:
    """Return how many tasks the subnets of the service have addresses for."""
    references = service.get("NetworkConfiguration", "AwsvpcConfiguration", "Subnets")
    subnets = [templates.referred(each) for each in references]
    blocks = [ipaddress.IPv4Network(each.get("CidrBlock")) for each in subnets if each is not None]
    if len(blocks) < len(subnets):
        return None
    return sum(block.num_addresses - _RESERVED_ADDRESSES for block in blocks)


def _endpoints(templates: Templates) -> frozenset[str]:
    return frozenset(
        routes.service_of(each)
        for each in templates.of_type("AWS::EC2::VPCEndpoint")
        if each.get("VpcEndpointType") == "Interface"
    )


def _daemon_buffers(command: Sequence[str]) -> int:
    memory = int(command[command.index("--buffer-memory") + 1]) * 1024 * 1024
    return memory // _DAEMON_BUFFER
