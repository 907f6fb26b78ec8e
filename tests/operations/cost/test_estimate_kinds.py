"""Kinds of a resource that AWS bills otherwise than the rest of its type."""

from __future__ import annotations

import re

import pytest

from operations.cost import templates
from operations.errors import OperatorError
from tests.operations.cost.stacks import SERVICE, Json, estimated, of, parsed, resources, rows


@pytest.mark.parametrize("place", ["cluster", "associations"])
def test_a_clusters_default_strategy_is_its_services(place: str) -> None:
    content = parsed("dev")
    (service,), (cluster,) = resources(content, "AWS::ECS::Service"), resources(content, "AWS::ECS::Cluster")
    del service["Properties"]["LaunchType"]
    with pytest.raises(OperatorError, match="EC2"):  # ECS's default
        estimated(of(content))
    strategy = {"DefaultCapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]}
    if place == "cluster":
        cluster["Properties"] = strategy
    else:
        content[SERVICE]["Resources"]["Providers"] = {
            "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
            "Properties": strategy | {"Cluster": service["Properties"]["Cluster"]},
        }
    assert rows(estimated(of(content)))["Fargate Spot vCPU"] == pytest.approx(0.25 * 730 * 0.01288871)


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        ("AWS::SNS::Subscription", {"Protocol": "sms"}),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "GatewayLoadBalancer"}),
        ("AWS::SSM::Parameter", {"Tier": "Advanced"}),
        ("AWS::CertificateManager::Certificate", {"CertificateExport": "ENABLED"}),
        ("AWS::CloudFormation::Stack", {"TemplateURL": "s3"}),
    ],
)
def test_a_kind_without_a_price_is_refused_where_others_are_free(resource_type: str, properties: Json) -> None:
    content = parsed("dev")
    content[SERVICE]["Resources"]["Odd"] = {"Type": resource_type, "Properties": properties}
    with pytest.raises(OperatorError, match=r"no price of Odd \(\S+\) of \S+?(:|,) "):
        estimated(of(content))


def test_a_loop_that_cloudformation_expands_is_named_with_what_to_give() -> None:
    content = parsed("dev")
    content[SERVICE]["Resources"]["Fn::ForEach::Queues"] = ["Name", ["a", "b"], {}]
    with pytest.raises(
        OperatorError, match="Fn::ForEach::Queues of Cruddur-dev-Service: expanded by CloudFormation only"
    ):
        of(content)


def test_a_transform_is_an_assumption() -> None:
    content = parsed("dev")
    content[SERVICE]["Transform"] = "AWS::Serverless-2016-10-31"
    assert any(SERVICE in each and "transform" in each for each in estimated(of(content)).assumptions)


def test_what_adds_tasks_without_requests_is_not_in_the_sum_and_named() -> None:
    content = parsed("prod")
    (target,) = resources(content, "AWS::ApplicationAutoScaling::ScalableTarget")
    target["Properties"]["ScheduledActions"] = [{"ScheduledActionName": "morning", "Schedule": "cron(0 8 * * ? *)"}]
    policy = resources(content, "AWS::ApplicationAutoScaling::ScalingPolicy")[0]["Properties"]
    policy["PolicyType"] = "StepScaling"
    del policy["TargetTrackingScalingPolicyConfiguration"]
    unknown = " ".join(estimated(templates.of(content, "prod")).unknown)
    assert "Tasks of the scheduled actions of" in unknown
    assert re.search(r"Tasks that the scaling policy \w+ starts, by another metric", unknown)


def test_sizes_of_a_task_may_have_units() -> None:
    content = parsed("dev")
    resources(content, "AWS::ECS::TaskDefinition")[0]["Properties"] |= {"Cpu": ".25 vCPU", "Memory": "0.5 GB"}
    assert rows(estimated(of(content))) == rows(estimated("dev"))


def test_what_another_service_logs_is_not_in_the_sum_and_named() -> None:
    content = parsed("dev")
    properties = {"LaunchType": "FARGATE", "DesiredCount": 2}
    content[SERVICE]["Resources"]["Worker"] = {"Type": "AWS::ECS::Service", "Properties": properties}
    bill = estimated(of(content))
    assert rows(bill)["Fargate vCPU"] == pytest.approx(3 * 0.25 * 730 * 0.04048)
    assert "What Worker log, trace and send out." in bill.unknown


def test_reserved_capacity_units_are_billed_where_they_are_more_than_the_used_ones() -> None:
    content = parsed("dev")
    (balancer,) = resources(content, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    balancer["Properties"]["MinimumLoadBalancerCapacity"] = {"CapacityUnits": 1000}
    assert rows(estimated(of(content), 10))["Load balancer capacity"] == pytest.approx(1000 * 730 * 0.008)


def test_addresses_that_are_no_public_ipv4_ones_of_aws_are_free() -> None:
    content = parsed("dev")
    (balancer,) = resources(content, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    balancer["Properties"]["IpAddressType"] = "dualstack-without-public-ipv4"
    content[SERVICE]["Resources"]["Own"] = {"Type": "AWS::EC2::EIP", "Properties": {"PublicIpv4Pool": "pool"}}
    assert rows(estimated(of(content)))["Public IPv4 addresses"] == pytest.approx(1 * 730 * 0.005)


def test_a_private_nat_gateway_is_no_way_to_the_internet() -> None:
    content = parsed("endpoints")
    gateway = {"Type": "AWS::EC2::NatGateway", "Properties": {"ConnectivityType": "private"}}
    content[SERVICE]["Resources"]["Private"] = gateway
    bill = estimated(of(content), 10)
    assert any("cannot reach the internet" in each for each in bill.assumptions)
    assert not any("Honeycomb" in each for each in bill.unknown)


def test_each_replica_of_a_secret_is_billed() -> None:
    content = parsed("dev")
    resources(content, "AWS::SecretsManager::Secret")[0]["Properties"]["ReplicaRegions"] = [{"Region": "eu-west-1"}]
    assert rows(estimated(of(content)))["Secrets"] == pytest.approx(4 * 0.40)


def test_rule_groups_with_a_fee_of_their_own_are_named() -> None:
    content = parsed("firewall")
    (acl,) = resources(content, "AWS::WAFv2::WebACL")
    for vendor, name in (("AWS", "AWSManagedRulesBotControlRuleSet"), ("Fortinet", "all_rules")):
        group = {"ManagedRuleGroupStatement": {"VendorName": vendor, "Name": name}}
        acl["Properties"]["Rules"].append({"Name": name, "Statement": group})
    unknown = " ".join(estimated(of(content)).unknown)
    assert "What AWS's AWSManagedRulesBotControlRuleSet, Fortinet's all_rules cost besides" in unknown


def test_a_lifecycle_rule_for_some_objects_expires_no_others() -> None:
    content = parsed("prod")
    (bucket,) = resources(content, "AWS::S3::Bucket")
    rule = {"ExpirationInDays": 1, "Status": "Enabled", "Prefix": "nothing/"}
    bucket["Properties"]["LifecycleConfiguration"]["Rules"].append(rule)
    changed = estimated(templates.of(content, "prod"), 10)
    assert rows(changed)["S3 storage"] == pytest.approx(rows(estimated("prod", 10))["S3 storage"])


def test_a_load_balancer_of_something_else_takes_no_requests() -> None:
    content = parsed("dev")
    (balancer,) = resources(content, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    content[SERVICE]["Resources"]["Other"] = balancer
    usual, both = rows(estimated("dev", 100)), rows(estimated(of(content), 100))
    assert both["Load balancer hours"] == pytest.approx(2 * usual["Load balancer hours"])
    for row in ("Load balancer capacity", "Data out"):
        assert both[row] == pytest.approx(usual[row])
