"""Store the load balancer's access logs."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.findings import CHECKOV, GUARD, NAG, acknowledge

RETENTION: Final = Duration.days(90)


class AccessLogs(Construct):
    """Create the bucket of the access logs, whose objects are deleted after `RETENTION`.

    It outlives the load balancer, and stays when its own stack is deleted: its objects say who called what.
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)

        bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=RETENTION, abort_incomplete_multipart_upload_after=Duration.days(7))
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        _acknowledge(bucket)
        # The principal of all regions: the accounts of the older ones are a list by region, which a stack that is
        # deployed to any region cannot have ("Enable access logs", Elastic Load Balancing).
        bucket.grant_put(iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com"))


def _acknowledge(bucket: s3.Bucket) -> None:
    acknowledge(
        bucket,
        f"{NAG}S1",
        f"{GUARD}s3_bucket_logging_enabled_check",
        f"{CHECKOV}CKV_AWS_18",
        because="It holds logs itself: who reads them is in CloudTrail, if the account records data events.",
    )
    acknowledge(
        bucket,
        f"{GUARD}s3_bucket_default_encryption_kms_check",
        because="Elastic Load Balancing writes access logs only to buckets with SSE-S3.",
    )
    acknowledge(
        bucket,
        f"{GUARD}s3_bucket_versioning_enabled_check",
        f"{GUARD}s3_bucket_object_lock_enabled_check",
        f"{CHECKOV}CKV_AWS_21",
        because="An access log is written once and deleted after 90 days; no role here may delete one.",
    )
    acknowledge(
        bucket,
        f"{GUARD}s3_event_notifications_enabled_check",
        because="Nothing waits for an access log: they are searched when somebody asks.",
    )
