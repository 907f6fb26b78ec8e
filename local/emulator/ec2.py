"""Emulate the VPC resource types that ministack lacks: Elastic IPs, NAT gateways, security group rules, flow logs.

Properties and return values: CloudFormation template reference, AWS::EC2::*.
"""

from __future__ import annotations

import secrets
from typing import Final

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import ResourceType, add_resource_type, new_id


def install() -> None:
    """Register the resource types."""
    add_resource_type(EIP)
    add_resource_type(NAT_GATEWAY)
    add_resource_type(FLOW_LOG)
    add_resource_type(_rule_type("AWS::EC2::SecurityGroupIngress", "IpPermissions"))
    add_resource_type(_rule_type("AWS::EC2::SecurityGroupEgress", "IpPermissionsEgress"))


def _set_tags(resource_id: str, properties: Json) -> None:
    ec2._tags[resource_id] = [dict(tag) for tag in properties.get("Tags") or []]


def _create_address(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    allocation = new_id("eipalloc-")
    public_ip = ".".join(["52", *(str(1 + secrets.randbelow(250)) for _ in range(3))])
    ec2._addresses[allocation] = {
        "AllocationId": allocation,
        "PublicIp": public_ip,
        "Domain": properties.get("Domain", "vpc"),
        "AssociationId": None,
        "InstanceId": properties.get("InstanceId"),
        "NetworkInterfaceId": None,
        "PrivateIpAddress": None,
    }
    _set_tags(allocation, properties)
    return public_ip, {"AllocationId": allocation, "PublicIp": public_ip}


def _allocations(public_ip: str) -> list[str]:
    return [key for key, address in ec2._addresses.items() if address["PublicIp"] == public_ip]


def _update_address(public_ip: str, properties: Json) -> Json:
    allocations = _allocations(public_ip)
    if not allocations:
        raise ServiceError("InvalidAddress.NotFound", f"the address {public_ip} does not exist")
    _set_tags(allocations[0], properties)
    return {"AllocationId": allocations[0], "PublicIp": public_ip}


def _delete_address(public_ip: str, _properties: Json) -> None:
    for allocation in _allocations(public_ip):
        ec2._addresses.pop(allocation)
        ec2._tags.pop(allocation, None)


EIP: Final = ResourceType(
    name="AWS::EC2::EIP",
    create=_create_address,
    update=_update_address,
    delete=_delete_address,
    create_only=("Domain", "NetworkBorderGroup", "TransferAddress", "Address", "IpamPoolId"),
)


def _create_nat_gateway(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    subnet = ec2._subnets.get(properties["SubnetId"])
    if subnet is None:
        raise ServiceError("InvalidSubnetID.NotFound", f"the subnet {properties['SubnetId']} does not exist")
    gateway = new_id("nat-")
    ec2._nat_gateways[gateway] = {
        "NatGatewayId": gateway,
        "SubnetId": properties["SubnetId"],
        "VpcId": subnet["VpcId"],
        "AllocationId": properties.get("AllocationId"),
        "ConnectivityType": properties.get("ConnectivityType", "public"),
        "State": "available",
        "CreateTime": ec2._now_ts(),
        "Tags": [],
    }
    _set_tags(gateway, properties)
    return gateway, {"NatGatewayId": gateway}


def _update_nat_gateway(gateway: str, properties: Json) -> Json:
    _set_tags(gateway, properties)
    return {"NatGatewayId": gateway}


def _delete_nat_gateway(gateway: str, _properties: Json) -> None:
    ec2._nat_gateways.pop(gateway, None)
    ec2._tags.pop(gateway, None)


NAT_GATEWAY: Final = ResourceType(
    name="AWS::EC2::NatGateway",
    create=_create_nat_gateway,
    update=_update_nat_gateway,
    delete=_delete_nat_gateway,
    create_only=("SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress"),
)


def _create_flow_log(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    flow_log = new_id("fl-")
    ec2._flow_logs[flow_log] = {
        "FlowLogId": flow_log,
        "ResourceId": properties["ResourceId"],
        "ResourceType": properties["ResourceType"],
        "TrafficType": properties.get("TrafficType", "ALL"),
        "LogDestinationType": properties.get("LogDestinationType", "cloud-watch-logs"),
        "LogDestination": properties.get("LogDestination") or properties.get("LogGroupName") or "",
        "FlowLogStatus": "ACTIVE",
        "CreationTime": ec2._now_ts(),
    }
    _set_tags(flow_log, properties)
    return flow_log, {"Id": flow_log}


def _update_flow_log(flow_log: str, properties: Json) -> Json:
    _set_tags(flow_log, properties)
    return {"Id": flow_log}


def _delete_flow_log(flow_log: str, _properties: Json) -> None:
    ec2._flow_logs.pop(flow_log, None)
    ec2._tags.pop(flow_log, None)


FLOW_LOG: Final = ResourceType(
    name="AWS::EC2::FlowLog",
    create=_create_flow_log,
    update=_update_flow_log,
    delete=_delete_flow_log,
    create_only=(
        "ResourceId",
        "ResourceType",
        "TrafficType",
        "LogDestinationType",
        "LogDestination",
        "LogGroupName",
        "LogFormat",
        "MaxAggregationInterval",
        "DeliverLogsPermissionArn",
        "DeliverCrossAccountRole",
        "DestinationOptions",
    ),
)


def _rule_type(name: str, side: str) -> ResourceType:
    """Return the resource type of a standalone security group rule, stored in the group's list `side`."""

    def create(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
        group = ec2._security_groups.get(properties.get("GroupId"))
        if group is None:
            raise ServiceError(
                "InvalidGroup.NotFound", f"the security group {properties.get('GroupId')!r} does not exist"
            )
        rule = new_id("sgr-")
        (permission,) = provisioners._ec2_sg_permissions([properties])
        group[side].append({**permission, "SecurityGroupRuleId": rule})
        return rule, {"Id": rule}

    def update(rule: str, properties: Json) -> Json:
        delete(rule, properties)
        group = ec2._security_groups[properties["GroupId"]]
        (permission,) = provisioners._ec2_sg_permissions([properties])
        group[side].append({**permission, "SecurityGroupRuleId": rule})
        return {"Id": rule}

    def delete(rule: str, properties: Json) -> None:
        group = ec2._security_groups.get(properties.get("GroupId"))
        if group is not None:
            group[side] = [entry for entry in group[side] if entry.get("SecurityGroupRuleId") != rule]

    return ResourceType(name=name, create=create, update=update, delete=delete, create_only=_RULE_CREATE_ONLY)


_RULE_CREATE_ONLY: Final = (
    "GroupId",
    "GroupName",
    "IpProtocol",
    "FromPort",
    "ToPort",
    "CidrIp",
    "CidrIpv6",
    "SourceSecurityGroupId",
    "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId",
    "SourcePrefixListId",
    "DestinationSecurityGroupId",
    "DestinationPrefixListId",
)
