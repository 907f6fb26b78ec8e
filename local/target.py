"""Tell the deployed target group where the service listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.ports import LOOPBACK

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

IDS: Final = (LOOPBACK, "localhost")
"""Two names of this machine: the emulator (ministack 1.5.33) tells the targets of a group apart by id alone, not by id
and port as AWS does. While one process replaces another, both are registered."""


def next_id(current: str | None) -> str:
    """Return the id for the process that replaces the one behind `current`."""
    return IDS[1] if current == IDS[0] else IDS[0]


def register_alone(client: ElasticLoadBalancingv2Client, group: str, target_id: str, port: int) -> None:
    """Register one target, then deregister every other. Raises botocore's `ClientError`."""
    client.register_targets(TargetGroupArn=group, Targets=[{"Id": target_id, "Port": port}])
    health = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    others = [each["Target"] for each in health if each["Target"]["Id"] != target_id]
    if others:
        client.deregister_targets(TargetGroupArn=group, Targets=others)
