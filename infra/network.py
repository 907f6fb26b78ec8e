"""Create the network of the load balancer and the tasks."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

_ZONES: Final = 2
"""The fewest that a load balancer takes."""


class Network(Construct):
    """Create a VPC over two zones, or those given; without a NAT gateway the tasks run in its public subnets."""

    def __init__(
        self, scope: Construct, construct_id: str, *, nat_gateways: int, zones: Sequence[str] | None = None
    ) -> None:
        super().__init__(scope, construct_id)

        self.tasks_are_public = nat_gateways == 0
        """Whether a task needs a public address of its own to reach the sinks."""
        self.task_subnets = ec2.SubnetSelection(
            subnet_type=ec2.SubnetType.PUBLIC if self.tasks_are_public else ec2.SubnetType.PRIVATE_WITH_EGRESS
        )

        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=_ZONES if zones is None else None,
            availability_zones=None if zones is None else list(zones),
            nat_gateways=nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name=kind.name.lower(),
                    subnet_type=kind,
                    cidr_mask=20,
                    # What needs a public address asks for one itself: the load balancer, and tasks without a gateway.
                    map_public_ip_on_launch=False if kind is ec2.SubnetType.PUBLIC else None,
                )
                for kind in dict.fromkeys((ec2.SubnetType.PUBLIC, self.task_subnets.subnet_type))
                if kind is not None
            ],
            # Restricting the default group needs a custom resource with a Lambda function, and nothing uses that group.
            restrict_default_security_group=False,
        )
