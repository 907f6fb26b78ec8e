"""Register the running service with the deployed target group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.workspace.ports import LOOPBACK

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef

IDS: Final = (LOOPBACK, "localhost")
"""Two names of this machine, to register the old and the new process at the same time: the emulator (ministack 1.5.33)
identifies a target by its id alone, AWS by id and port."""


def set_target(client: ElasticLoadBalancingv2Client, group: str, port: int) -> None:
    """Make `port` of this machine the group's only target, without a gap. Raises botocore's `ClientError`."""
    health = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    targets = [each["Target"] for each in health]
    if not any(_is_ours(target, port) for target in targets):
        registered = {target["Id"] for target in targets}
        unused = next((each for each in IDS if each not in registered), None)
        if unused is None:
            unused = IDS[0]
            client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": unused}])
        client.register_targets(TargetGroupArn=group, Targets=[{"Id": unused, "Port": port}])
        targets = [target for target in targets if target["Id"] != unused]
    stale = [target for target in targets if not _is_ours(target, port)]
    if stale:
        client.deregister_targets(TargetGroupArn=group, Targets=stale)


def _is_ours(target: TargetDescriptionTypeDef, port: int) -> bool:
    return target["Id"] in IDS and target.get("Port") == port
