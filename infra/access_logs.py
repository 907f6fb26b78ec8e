"""Store the load balancer's access logs."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

KEPT: Final = Duration.days(90)


class AccessLogs(Construct):
    """Create the bucket of the access logs, whose objects are deleted after `KEPT`, and turn the logs on.

    The bucket stays when the stack is deleted: its objects say who called what.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, balancer: elbv2.ApplicationLoadBalancer
    ) -> None:
        super().__init__(scope, construct_id)

        bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=KEPT, abort_incomplete_multipart_upload_after=Duration.days(7))
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        # The principal of all regions: the accounts of the older ones are a list by region, which a stack that is
        # deployed to any region cannot have ("Enable access logs", Elastic Load Balancing).
        bucket.grant_put(iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com"))
        balancer.set_attribute("access_logs.s3.enabled", "true")
        balancer.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
        if bucket.policy is not None:
            balancer.node.add_dependency(bucket.policy)  # without which the logs cannot be turned on
