"""Create the log groups of the application's own lines and of the containers' output."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import RemovalPolicy, Size
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.findings import CHECKOV, GUARD, acknowledge

OUTPUT_BUFFER: Final = Size.mebibytes(4)
"""Output buffered while CloudWatch does not respond. When it is full, lines are dropped: the container never blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long log lines are kept, and whether the data outlives its stack."""

    application: logs.RetentionDays
    output: logs.RetentionDays
    """Of the containers' standard output and error: start-up and crash lines. Rejected connections too, if logged."""
    removal_policy: RemovalPolicy
    """Of the application's log group and the secrets."""


def acknowledge_log_group(group: logs.LogGroup, retention: logs.RetentionDays, encryption_key: kms.IKey | None) -> None:
    """Acknowledge that a log group is encrypted by AWS's own key and that its lines are deleted in time, if so."""
    if encryption_key is None:
        acknowledge(
            group,
            f"{GUARD}cloudwatch_log_group_encrypted_check",
            f"{CHECKOV}CKV_AWS_158",
            because="CloudWatch encrypts it with a key of its own; `customer_key` makes it the account's.",
        )
    if retention is not logs.RetentionDays.ONE_YEAR:
        acknowledge(
            group,
            f"{GUARD}cloudwatch_log_group_retention_period_check",
            because="Lines of crashes and of rejected connections, and a test environment's, are read soon or never.",
        )


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
        acknowledge_log_group(self.log_group, retention.application, encryption_key)


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
        acknowledge_log_group(self.log_group, retention.output, encryption_key)

    def driver(self, stream_prefix: str) -> ecs.LogDriver:
        """Return the awslogs driver for one container; its mode is explicit because the default has changed before."""
        return ecs.LogDrivers.aws_logs(
            stream_prefix=stream_prefix,
            log_group=self.log_group,
            mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            max_buffer_size=OUTPUT_BUFFER,
        )
