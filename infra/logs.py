"""Create the log groups of the application's own lines and of the containers' output."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import RemovalPolicy, Size
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

OUTPUT_BUFFER: Final = Size.mebibytes(4)
"""Output buffered while CloudWatch does not respond. When it is full, lines are dropped: the container never blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long log lines are kept, and whether the data outlives its stack."""

    application: logs.RetentionDays
    output: logs.RetentionDays
    """Of the containers' standard output and error: start-up and crash lines. Rejected connections too, if logged."""
    removal_policy: RemovalPolicy
    """Of the application's log group, the secrets, and the key that encrypts them."""


class ApplicationLogs(Construct):
    """Create the log group that the application itself writes to."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        retention: Retention,
        encryption_key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)

        self.log_group = logs.LogGroup(
            self,
            "Group",
            log_group_name=name,
            retention=retention.application,
            removal_policy=retention.removal_policy,
            encryption_key=encryption_key,
        )


class ContainerOutput(Construct):
    """Create the log group for standard output and error: start-up and crash lines only.

    The service's own handler sends application lines to their own group, so no line is billed twice.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, retention: Retention, encryption_key: kms.IKey | None
    ) -> None:
        super().__init__(scope, construct_id)

        self.log_group = logs.LogGroup(
            self,
            "Group",
            retention=retention.output,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=encryption_key,
        )

    def driver(self, stream_prefix: str) -> ecs.LogDriver:
        """Return the awslogs driver for one container; its mode is explicit because the default has changed before."""
        return ecs.LogDrivers.aws_logs(
            stream_prefix=stream_prefix,
            log_group=self.log_group,
            mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            max_buffer_size=OUTPUT_BUFFER,
        )
