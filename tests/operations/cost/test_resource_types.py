"""Every resource of the stacks is billed or free, and what is neither is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from operations.cost.estimate import estimate
from operations.cost.prices.prices import OwnResource
from operations.cost.resources import FREE, PRICERS
from operations.cost.traffic import Traffic
from operations.errors import OperatorError
from tests.operations.cost.stacks import (
    MEASURED,
    PRICES,
    SERVICE,
    STACKS,
    Json,
    estimated,
    of,
    parsed,
    resources,
    rows,
    templates_of,
)


@pytest.mark.parametrize("name", STACKS)
def test_each_resource_is_billed_or_free_and_not_both(name: str) -> None:
    bill = estimated(name, 10)
    billed = {(each.stack, each.resource) for each in bill.items}
    free = {(each.stack, each.resource) for each in bill.free}
    declared = {(each.stack, each.logical_id) for each in templates_of(name).resources}
    assert not billed & free
    assert billed | free == declared
    assert len(bill.free) == len(free)
    assert all(each.reason for each in bill.free)


def test_each_type_of_the_tables_has_one_place() -> None:
    yields_nothing_at_times = set(PRICERS) & set(FREE)
    assert yields_nothing_at_times == {
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::ApplicationSignals::Discovery",
        "AWS::CertificateManager::Certificate",
        "AWS::EC2::EIP",
        "AWS::EC2::FlowLog",
        "AWS::EC2::VPCEndpoint",
        "AWS::ECS::Cluster",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::SNS::Subscription",
        "AWS::SSM::Parameter",
        "AWS::XRay::Group",
    }


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("firewall", "WAF rules"),
        ("notified", "SNS notifications"),
        ("key", "KMS keys"),
        ("endpoints", "Interface endpoint hours"),
        ("spot", "Fargate Spot vCPU"),
        ("prod", "S3 PUT requests"),
        ("prod", "NAT gateway hours"),
    ],
)
def test_an_option_adds_its_row(name: str, row: str) -> None:
    assert row in rows(estimated(name, 100))
    assert row not in rows(estimated("dev", 100))


def test_an_internal_load_balancer_has_no_public_address_and_sends_nothing_out() -> None:
    assert not {"Public IPv4 addresses", "Data out"} & set(rows(estimated("private", 10)))


def test_tasks_without_a_way_to_the_internet_send_nothing_to_honeycomb() -> None:
    bill = estimated("endpoints", 10)
    assert rows(bill)["Data out"] == pytest.approx(10 * 730 * 3600 * 1500 / 2**30 * 0.09)
    assert any("cannot reach the internet" in each for each in bill.assumptions)


def test_a_type_that_is_unknown_is_refused_with_its_name_its_stack_and_the_remedy() -> None:
    content = parsed("dev")
    content[SERVICE]["Resources"]["Table"] = {"Type": "AWS::RDS::DBInstance", "Properties": {}}
    with pytest.raises(OperatorError, match=r"Table \(AWS::RDS::DBInstance\) of Cruddur-dev-Service") as error:
        estimated(of(content))
    assert '[resources."AWS::RDS::DBInstance"]' in error.value.remedy
    assert "PRICES=" in error.value.remedy


@pytest.mark.parametrize(("monthly", "free", "usd"), [(15.33, "", 15.33), (0.0, "the trial's", 0.0)])
def test_a_price_of_ones_own_prices_its_type(monthly: float, free: str, usd: float) -> None:
    content = parsed("dev")
    content[SERVICE]["Resources"]["Table"] = {"Type": "AWS::RDS::DBInstance"}
    own = OwnResource(
        type="AWS::RDS::DBInstance", monthly=monthly, free=free, source="the contract", read_on=date(2026, 11, 30)
    )
    prices = replace(PRICES, own_resources={own.type: own})
    bill = estimate(of(content), Traffic(requests=0), prices, MEASURED)
    assert bill.usd == pytest.approx(estimated("dev").usd + usd)
    assert [each.reason for each in bill.free if each.type == own.type] == ([free] if free else [])


@pytest.mark.parametrize(
    ("resource_type", "change", "gone"),
    [
        ("AWS::ECS::Service", {"LaunchType": "EC2"}, {"Fargate vCPU", "Fargate GB"}),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Type": "network"}, {"Load balancer hours"}),
    ],
)
def test_a_price_of_ones_own_is_for_what_has_none_and_leaves_the_applications_items(
    resource_type: str, change: Json, gone: set[str]
) -> None:
    own = OwnResource(type=resource_type, monthly=100.0, free="", source="the contract", read_on=date(2026, 11, 30))
    prices = replace(PRICES, own_resources={own.type: own})
    usual = estimate(templates_of("dev"), Traffic(requests=10), prices, MEASURED)
    assert usual.usd == estimated("dev", 10).usd
    assert any(resource_type in each and "is not used" in each for each in usual.warnings)
    content = parsed("dev")
    resources(content, resource_type)[0]["Properties"].update(change)
    with pytest.raises(OperatorError, match="There is no price of"):
        estimated(of(content), 10)
    bill = estimate(of(content), Traffic(requests=10), prices, MEASURED)
    assert rows(bill)[resource_type] == pytest.approx(100.0)
    assert not gone & set(rows(bill))
    for row in ("X-Ray traces", "Data out"):
        assert rows(bill)[row] == pytest.approx(rows(usual)[row])


def test_a_log_group_of_the_class_for_rare_access_has_its_price() -> None:
    content = parsed("dev")
    for each in resources(content, "AWS::Logs::LogGroup"):
        each["Properties"]["LogGroupClass"] = "INFREQUENT_ACCESS"
    usual, rare = rows(estimated("dev", 10)), rows(estimated(of(content), 10))
    ratio = PRICES["logs-infrequent-ingestion-gb"].cost(1) / PRICES["logs-ingestion-gb"].cost(1)
    assert rare["Log ingestion"] == pytest.approx(usual["Log ingestion"] * ratio)
    assert rare["Log storage"] == pytest.approx(usual["Log storage"])


def test_alarms_are_billed_by_metric_by_resolution_and_by_kind() -> None:
    content = parsed("dev")
    band = [
        {"Id": "m1", "MetricStat": {"Metric": {"MetricName": "Requests"}, "Period": 60, "Stat": "Sum"}},
        {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)"},
    ]
    content[SERVICE]["Resources"] |= {
        "Fast": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors", "Period": 10}},
        "Odd": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": band}},
        "Both": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": "ALARM(Fast)"}},
    }
    prices = {each.resource: each.usd for each in estimated(of(content)).items}
    assert prices["Fast"] == pytest.approx(PRICES["alarm-high-resolution-month"].cost(1))
    assert prices["Odd"] == pytest.approx(3 * 0.10)
    assert prices["Both"] == pytest.approx(PRICES["composite-alarm-month"].cost(1))


def test_storage_is_billed_over_the_first_20_gb() -> None:
    content = parsed("dev")
    (definition,) = resources(content, "AWS::ECS::TaskDefinition")
    definition["Properties"]["EphemeralStorage"] = {"SizeInGiB": 50}
    assert rows(estimated(of(content)))["Fargate storage"] == pytest.approx(30 * 730 * 0.000111)


@pytest.mark.parametrize(("level", "count"), [("enabled", 40), ("enhanced", 7 * 9 + 16 * 5 + 7 + 5)])
def test_container_insights_bills_its_metrics_by_level(level: str, count: int) -> None:
    content = parsed("dev")
    (cluster,) = resources(content, "AWS::ECS::Cluster")
    cluster["Properties"] = {"ClusterSettings": [{"Name": "containerInsights", "Value": level}]}
    (item,) = [each for each in estimated(of(content)).items if each.name == "Container Insights metrics"]
    assert item.quantity == count


def test_transaction_search_bills_spans_instead_of_traces() -> None:
    content = parsed("dev")
    content[SERVICE]["Resources"]["Search"] = {
        "Type": "AWS::XRay::TransactionSearchConfig",
        "Properties": {"IndexingPercentage": 11},
    }
    bill = rows(estimated(of(content), 10))
    spans = 10 * 730 * 3600 * 4
    assert "X-Ray traces" not in bill
    assert bill["Transaction Search spans"] == pytest.approx(spans * 1000 / 2**30 * 0.35)
    assert bill["X-Ray insights"] == pytest.approx(10 * 730 * 3600 * 0.11 / 1e6)
    assert bill["Transaction Search indexed spans"] == pytest.approx(spans * 0.10 / 1e6 * 0.75)
