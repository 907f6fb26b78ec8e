"""Create the network of the load balancer and the tasks, or take an existing one."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.findings import NAG, acknowledge
from infra.logs import acknowledge_log_group

_ZONES: Final = 2
"""The fewest that a load balancer takes."""
_CIDR: Final = "10.0.0.0/16"
_SUBNET_BITS: Final = 4
"""A network has room for sixteen subnets of one size."""
_LONGEST_PREFIX: Final = 23
"""So that a subnet has a prefix of 27, the longest that a load balancer takes ("Subnets for your load balancer", User
Guide for Application Load Balancers)."""
_INTERFACE_ENDPOINTS: Final = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "SecretsManager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "XRay": ec2.InterfaceVpcEndpointAwsService.XRAY,
    "EcsExec": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
}
"""What a task calls of AWS: images, log lines, keys, segments, and the sessions of ECS Exec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingVpc:
    """A VPC of the team's own, by ids: two zones or more, and for each of them a public and a private subnet.

    The tasks run in the private subnets, which need a route to the internet, or to the endpoints of AWS's services. An
    internal load balancer is in the private subnets too, and then there need be no public ones. Raises `ValueError`.
    """

    vpc_id: str
    availability_zones: Sequence[str]
    private_subnet_ids: Sequence[str]
    public_subnet_ids: Sequence[str] = ()
    reaches_only_aws: bool = False
    """Whether the private subnets have a route to endpoints of AWS's services only: those of ECR, CloudWatch Logs,
    Secrets Manager and X-Ray, and S3's gateway."""

    def __post_init__(self) -> None:
        _check_zones(self.availability_zones)
        zones = len(self.availability_zones)
        if len(self.private_subnet_ids) != zones:
            raise ValueError(
                f"private_subnet_ids {list(self.private_subnet_ids)} are not one for each zone, of {zones}"
            )
        if self.public_subnet_ids and len(self.public_subnet_ids) != zones:
            raise ValueError(f"public_subnet_ids {list(self.public_subnet_ids)} are not one for each zone, of {zones}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Networking:
    """The choices of the network.

    The tasks run in private subnets if there are `nat_gateways` or `endpoints`, else in public ones. With `endpoints`
    AWS's services are reached by interface endpoints; without a NAT gateway besides, nothing else of the internet is:
    neither Honeycomb nor Rollbar, whose secrets then keep their placeholder, which turns these sinks off.
    Raises `ValueError` for a malformed or contradicting value.
    """

    nat_gateways: int = 0
    endpoints: bool = False
    availability_zones: Sequence[str] | None = None
    """The zones to use, such as `("us-east-1a", "us-east-1b")`; None takes the first two. Fargate is not in all."""
    cidr: str = _CIDR
    flow_logs: bool = False
    """Whether rejected connections are logged."""
    existing: ExistingVpc | None = None
    """A VPC to use instead of a new one; the choices above are then its own."""

    def __post_init__(self) -> None:
        try:
            network = ipaddress.IPv4Network(self.cidr)
        except ValueError as error:
            raise ValueError(f"cidr {self.cidr!r} is malformed ({error}): write for example {_CIDR!r}") from error
        if not 16 <= network.prefixlen <= _LONGEST_PREFIX:  # noqa: PLR2004 - the largest that a VPC takes
            raise ValueError(f"cidr {self.cidr!r} has the wrong size: use a prefix of 16 to {_LONGEST_PREFIX}")
        if self.availability_zones is not None:
            _check_zones(self.availability_zones)
        if self.nat_gateways < 0:
            raise ValueError(f"nat_gateways {self.nat_gateways!r} is out of range: use 0 or more")
        others = (self.nat_gateways, self.endpoints, self.availability_zones, self.cidr, self.flow_logs)
        if self.existing is not None and others != (0, False, None, _CIDR, False):
            raise ValueError("existing is set, and so is another choice of the network: remove it, the VPC has its own")

    @property
    def tasks_are_public(self) -> bool:
        """Whether a task needs a public address of its own to reach the sinks."""
        return self.existing is None and self.nat_gateways == 0 and not self.endpoints

    @property
    def reaches_only_aws(self) -> bool:
        """Whether a task reaches nothing outside AWS."""
        if self.existing is not None:
            return self.existing.reaches_only_aws
        return self.nat_gateways == 0 and self.endpoints

    @property
    def task_subnets(self) -> ec2.SubnetType:
        """The kind of subnets that the tasks run in."""
        if self.tasks_are_public:
            return ec2.SubnetType.PUBLIC
        return ec2.SubnetType.PRIVATE_ISOLATED if self.reaches_only_aws else ec2.SubnetType.PRIVATE_WITH_EGRESS


def _check_zones(zones: Sequence[str]) -> None:
    if len(set(zones)) < _ZONES or len(set(zones)) < len(zones) or isinstance(zones, str):
        raise ValueError(f"availability_zones {zones!r} are too few, or named twice: a load balancer needs two")


class Network(Construct):
    """Create the VPC, or refer to the existing one. An `internal` load balancer is in the tasks' subnets."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        choices: Networking,
        internal: bool,
        flow_log_retention: logs.RetentionDays,
        encryption_key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.tasks_are_public = choices.tasks_are_public
        self.task_subnets = ec2.SubnetSelection(subnet_type=choices.task_subnets)
        self.load_balancer_subnets = (
            self.task_subnets if internal else ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        )
        self.vpc: ec2.IVpc
        if choices.existing is not None:
            self.vpc = _existing(self, choices.existing)
            return
        without_internet = internal and choices.reaches_only_aws
        kinds = (choices.task_subnets,) if without_internet else (ec2.SubnetType.PUBLIC, choices.task_subnets)
        self.vpc = vpc = self._vpc(choices, list(dict.fromkeys(kinds)))
        if not choices.tasks_are_public:
            vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)  # free: the layers of images
        if choices.endpoints:
            for name, service in _INTERFACE_ENDPOINTS.items():
                vpc.add_interface_endpoint(name, service=service, subnets=self.task_subnets)
        if choices.flow_logs:
            self._log_rejects(vpc, flow_log_retention, encryption_key)
        else:
            acknowledge(vpc, f"{NAG}VPC7", because="`flow_logs` of the environment's network is off: they cost per GB.")

    def _vpc(self, choices: Networking, kinds: Sequence[ec2.SubnetType]) -> ec2.Vpc:
        zones = choices.availability_zones
        return ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(choices.cidr),
            max_azs=_ZONES if zones is None else None,
            availability_zones=None if zones is None else list(zones),
            nat_gateways=choices.nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name=kind.name.lower(),
                    subnet_type=kind,
                    cidr_mask=ipaddress.IPv4Network(choices.cidr).prefixlen + _SUBNET_BITS,
                    # What needs a public address asks for one itself: the load balancer, and tasks without a gateway.
                    map_public_ip_on_launch=False if kind is ec2.SubnetType.PUBLIC else None,
                )
                for kind in kinds
            ],
            # Restricting the default group needs a custom resource with a Lambda function, and nothing uses that group.
            restrict_default_security_group=False,
        )

    def _log_rejects(self, vpc: ec2.Vpc, retention: logs.RetentionDays, encryption_key: kms.IKey | None) -> None:
        group = logs.LogGroup(
            self,
            "FlowLogGroup",
            retention=retention,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=encryption_key,
        )
        acknowledge_log_group(group, retention, encryption_key)
        vpc.add_flow_log(
            "Rejects",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )


def _existing(scope: Construct, vpc: ExistingVpc) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id=vpc.vpc_id,
        availability_zones=list(vpc.availability_zones),
        public_subnet_ids=list(vpc.public_subnet_ids) or None,
        private_subnet_ids=list(vpc.private_subnet_ids),
    )
