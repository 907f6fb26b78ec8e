"""Register the running service with the deployed target group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.workspace.ports import LOOPBACK

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client


def set_target(client: ElasticLoadBalancingv2Client, group: str, port: int) -> None:
    """Make `port` of this machine the group's only target, without a gap. Raises botocore's `ClientError`."""
    client.register_targets(TargetGroupArn=group, Targets=[{"Id": LOOPBACK, "Port": port}])
    health = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    stale = [
        each["Target"] for each in health if (each["Target"]["Id"], each["Target"].get("Port")) != (LOOPBACK, port)
    ]
    if stale:
        client.deregister_targets(TargetGroupArn=group, Targets=stale)
