"""Each network that an account may need is in the templates."""

from __future__ import annotations

import json

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME
from tests.infra.assembly import Assembly
from tests.infra.variants import EXISTING, Variant, types_in


def test_an_existing_vpc_is_used_and_none_is_made(variant: Variant) -> None:
    assembly = variant("existing")
    assert not {each for each in types_in(assembly) if each.startswith("AWS::EC2::")} - {
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SecurityGroupEgress",
    }
    balancer = assembly.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Subnets"] == list(EXISTING.public_subnet_ids)
    network = assembly.service.only("AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["Subnets"] == list(EXISTING.private_subnet_ids)
    assert network["AssignPublicIp"] == "DISABLED"


def test_a_network_has_the_cidr_and_the_zones_of_its_environment(variant: Variant) -> None:
    service = variant("cidr").service
    assert service.only("AWS::EC2::VPC")["CidrBlock"] == "172.20.8.0/21"
    subnets = [each["Properties"] for each in service.of_type("AWS::EC2::Subnet")]
    assert [each["AvailabilityZone"] for each in subnets] == ["us-east-1b", "us-east-1d"]
    assert [each["CidrBlock"] for each in subnets] == ["172.20.8.0/25", "172.20.8.128/25"]


def test_with_endpoints_and_without_a_gateway_tasks_reach_aws_and_nothing_else(variant: Variant) -> None:
    service = variant("endpoints").service
    services = [json.dumps(each["Properties"]["ServiceName"]) for each in service.of_type("AWS::EC2::VPCEndpoint")]
    for name in ("s3", "ecr.api", "ecr.dkr", "logs", "xray", "secretsmanager", "ssmmessages"):
        assert len([each for each in services if f'.{name}"' in each]) == 1, name
    network = service.only("AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    isolated = {
        name
        for name, each in service.content["Resources"].items()
        if each["Type"] == "AWS::EC2::Subnet" and "isolated" in json.dumps(each["Properties"]["Tags"]).lower()
    }
    assert {each["Ref"] for each in network["Subnets"]} == isolated
    assert service.of_type("AWS::EC2::NatGateway") == []
    # The daemon's public image cannot be pulled from there.
    assert "public.ecr.aws" not in json.dumps(service.container(XRAY_DAEMON_CONTAINER_NAME)["Image"])


def test_an_internal_load_balancer_with_endpoints_needs_no_internet_gateway(variant: Variant) -> None:
    assembly = variant("private")
    assert assembly.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"] == "internal"
    assert not types_in(assembly) & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP"}


def test_only_the_allowed_networks_may_connect(variant: Variant) -> None:
    service = variant("allowed").service
    rules = [
        rule
        for each in service.of_type("AWS::EC2::SecurityGroup")
        for rule in each["Properties"].get("SecurityGroupIngress", [])
    ]
    assert {(each["CidrIp"], each["FromPort"], each["ToPort"]) for each in rules} == {
        ("203.0.113.0/24", 80, 80),
        ("198.51.100.7/32", 80, 80),
    }


def test_by_default_everybody_may_connect_to_the_listeners_ports_only(prod: Assembly) -> None:
    [rules] = [
        each["Properties"]["SecurityGroupIngress"]
        for each in prod.service.of_type("AWS::EC2::SecurityGroup")
        if "SecurityGroupIngress" in each["Properties"]
    ]
    assert [(each["CidrIp"], each["FromPort"]) for each in rules] == [("0.0.0.0/0", 80)]


def test_production_reaches_the_layers_of_its_images_without_the_gateways_price(dev: Assembly, prod: Assembly) -> None:
    assert prod.service.only("AWS::EC2::VPCEndpoint")["VpcEndpointType"] == "Gateway"
    assert "AWS::EC2::VPCEndpoint" not in types_in(dev)
