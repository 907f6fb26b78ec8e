from __future__ import annotations

import pytest

from tests.local.emulator.conftest import Aws, Template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NETWORK: Template = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    "Subnet": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
    },
}


def tagged(name: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": name}]


def of_type(kind: str, **properties: object) -> Template:
    return {"Type": f"AWS::EC2::{kind}", "Properties": properties}


def nat_resources(name: str) -> Template:
    gateway = of_type(
        "NatGateway",
        SubnetId={"Ref": "Subnet"},
        AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]},
        Tags=tagged(name),
    )
    return {**NETWORK, "Address": of_type("EIP", Domain="vpc", Tags=tagged(name)), "Gateway": gateway}


def test_an_address_and_its_nat_gateway_are_created_retagged_in_place_and_deleted(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    stack = aws.stack(nat_resources("first"))
    [address], [gateway] = ec2.describe_addresses()["Addresses"], ec2.describe_nat_gateways()["NatGateways"]

    assert stack.physical_id("Address") == address["PublicIp"]
    assert stack.physical_id("Gateway") == gateway["NatGatewayId"]
    assert gateway["State"] == "available"
    assert gateway["SubnetId"] == stack.physical_id("Subnet")

    stack.update(nat_resources("second"))
    [retagged] = ec2.describe_nat_gateways()["NatGateways"]
    assert retagged["NatGatewayId"] == gateway["NatGatewayId"]
    assert {"Key": "Name", "Value": "second"} in retagged["Tags"]
    assert [each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]] == [address["PublicIp"]]

    stack.delete()
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_nat_gateways()["NatGateways"] == []


def flow_log_resources(traffic: str) -> Template:
    log = of_type(
        "FlowLog",
        ResourceId={"Ref": "Vpc"},
        ResourceType="VPC",
        TrafficType=traffic,
        LogGroupName="flows",
        DeliverLogsPermissionArn="arn:aws:iam::000000000000:role/flows",
    )
    return {**NETWORK, "Flow": log}


def test_a_flow_log_is_replaced_when_its_traffic_type_changes(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    stack = aws.stack(flow_log_resources("ALL"))
    [first] = ec2.describe_flow_logs()["FlowLogs"]

    stack.update(flow_log_resources("REJECT"))
    [second] = ec2.describe_flow_logs()["FlowLogs"]
    assert (first["TrafficType"], second["TrafficType"]) == ("ALL", "REJECT")
    assert second["FlowLogId"] == stack.physical_id("Flow") != first["FlowLogId"]

    stack.delete()
    assert ec2.describe_flow_logs()["FlowLogs"] == []


def group_resources(port: int) -> Template:
    group = of_type("SecurityGroup", GroupDescription="of the test", VpcId={"Ref": "Vpc"})
    own: Template = {"GroupId": {"Ref": "Group"}, "IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    return {
        **NETWORK,
        "Group": group,
        "In": of_type("SecurityGroupIngress", **own, SourceSecurityGroupId={"Ref": "Group"}),
        "Out": of_type("SecurityGroupEgress", **own, CidrIp="10.0.0.0/16"),
    }


def ports(aws: Aws, group: str) -> tuple[list[int], list[int]]:
    [description] = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    sides = (description["IpPermissions"], description["IpPermissionsEgress"])
    ingress, egress = ([rule["FromPort"] for rule in side if "FromPort" in rule] for side in sides)
    return ingress, egress


def test_standalone_security_group_rules_are_created_replaced_and_deleted(aws: Aws) -> None:
    stack = aws.stack(group_resources(4567))
    group = stack.physical_id("Group")
    first = stack.physical_id("In")
    assert ports(aws, group) == ([4567], [4567])

    stack.update(group_resources(8080))
    assert ports(aws, group) == ([8080], [8080])
    assert stack.physical_id("In") != first

    only_group = {name: resource for name, resource in group_resources(8080).items() if name not in {"In", "Out"}}
    stack.update(only_group)
    assert ports(aws, group) == ([], [])


def test_a_rule_of_an_unknown_security_group_fails_its_stack_with_the_reason(aws: Aws) -> None:
    rule = of_type("SecurityGroupIngress", GroupId="sg-none", IpProtocol="tcp", CidrIp="10.0.0.0/16")

    with pytest.raises(AssertionError, match="sg-none"):
        aws.stack({"In": rule})
