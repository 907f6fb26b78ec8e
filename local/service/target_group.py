"""Tell the deployed target group where the service listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.workspace.ports import LOOPBACK

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef

IDS: Final = (LOOPBACK, "localhost")
"""Two names of this machine: the emulator (ministack 1.5.33) tells the targets of a group apart by id alone, not by id
and port as AWS does. While one process replaces another, both are registered."""


def point_at(client: ElasticLoadBalancingv2Client, group: str, port: int) -> None:
    """Make `port` of this machine the group's one target, never leaving it without. Raises botocore's `ClientError`."""
    before = [
        each["Target"] for each in client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ]
    if not any(_is_ours(target, port) for target in before):
        taken = {target["Id"] for target in before}
        unused = next((each for each in IDS if each not in taken), None)
        if unused is None:
            unused = IDS[0]
            client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": unused}])
        client.register_targets(TargetGroupArn=group, Targets=[{"Id": unused, "Port": port}])
        before = [target for target in before if target["Id"] != unused]
    stale = [target for target in before if not _is_ours(target, port)]
    if stale:
        client.deregister_targets(TargetGroupArn=group, Targets=stale)


def _is_ours(target: TargetDescriptionTypeDef, port: int) -> bool:
    return target["Id"] in IDS and target.get("Port") == port
