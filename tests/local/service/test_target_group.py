from __future__ import annotations

import uuid

import pytest

from flask_onetrace.contract import CONTAINER_PORT
from local.backing_services.emulated_aws import EmulatedAws
from local.service.target_group import set_target
from local.workspace.ports import LOOPBACK

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def group_of(aws: EmulatedAws, *targets: tuple[str, int]) -> str:
    response = aws.elbv2.create_target_group(
        Name=uuid.uuid4().hex, Protocol="HTTP", Port=CONTAINER_PORT, TargetType="ip"
    )
    arn = response["TargetGroups"][0]["TargetGroupArn"]
    for target_id, port in targets:
        aws.elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": target_id, "Port": port}])
    return arn


def targets_of(aws: EmulatedAws, group: str) -> list[tuple[str, int | None]]:
    health = aws.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [(each["Target"]["Id"], each["Target"].get("Port")) for each in health]


@pytest.mark.parametrize(
    "registered",
    [
        [],
        [("127.0.0.1", 1)],
        [("localhost", 1)],
        [("10.0.0.7", CONTAINER_PORT)],
        [("127.0.0.1", 1), ("localhost", 3), ("10.0.0.7", CONTAINER_PORT)],
        [("localhost", 2), ("127.0.0.1", 1)],
    ],
)
def test_the_new_port_is_the_only_target(emulated_aws: EmulatedAws, registered: list[tuple[str, int]]) -> None:
    group = group_of(emulated_aws, *registered)

    set_target(emulated_aws.elbv2, group, 2)

    assert targets_of(emulated_aws, group) == [(LOOPBACK, 2)]


def test_setting_the_same_target_again_changes_nothing(emulated_aws: EmulatedAws) -> None:
    group = group_of(emulated_aws)
    set_target(emulated_aws.elbv2, group, 2)
    targets = targets_of(emulated_aws, group)

    set_target(emulated_aws.elbv2, group, 2)

    assert targets_of(emulated_aws, group) == targets
