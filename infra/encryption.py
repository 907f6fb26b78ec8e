"""Create a customer managed KMS key for the data at rest."""

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class CustomerKey(Construct):
    """Create the key of log groups, secrets and the alarms' topic, $1.00 a month, rotated yearly and never deleted.

    A load balancer's access logs cannot have it ("Enable access logs", Elastic Load Balancing: SSE-S3 only).
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment_name: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)

        self.key = kms.Key(
            self,
            "Key",
            description=f"Log groups, secrets and alarms of {environment_name}",
            enable_key_rotation=True,
            # A key that is scheduled to be deleted decrypts nothing any more, not even the lines that stay.
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.key.add_to_resource_policy(_log_groups_may_use_it(stack))
        self.key.add_to_resource_policy(_alarms_may_use_it(stack))


def _log_groups_may_use_it(stack: Stack) -> iam.PolicyStatement:
    """Return the statement of "Encrypt log data in CloudWatch Logs using AWS KMS" (CloudWatch Logs User Guide)."""
    log_groups = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
        actions=["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
    )


def _alarms_may_use_it(stack: Stack) -> iam.PolicyStatement:
    """Return the statement by which alarms and budgets publish to an encrypted topic ("Key management", Amazon SNS)."""
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com"), iam.ServicePrincipal("budgets.amazonaws.com")],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
    )
