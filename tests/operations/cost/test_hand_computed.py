"""Ten bills computed by hand: unit prices and quantities as the sources and the environments have them.

The prices are us-east-1's of October 2026. A request has 2 lines of 500 bytes, a trace of 4 spans, 2,000 bytes with its
response of 1,500; a vCPU serves 400 a second. A month has 730 hours, 30.4 days.
"""

from __future__ import annotations

from typing import Final

import pytest

from operations.cost.line_items import Estimate
from tests.operations.cost.stacks import estimated, rows

HOURS: Final = 730
DAYS: Final = 730 / 24
SECONDS: Final = 3600
GB: Final = 2**30

VCPU, MEMORY = 0.04048, 0.004445  # "AWS Fargate Pricing", an hour
ALB, LCU = 0.0225, 0.008  # "Elastic Load Balancing pricing", an hour
NAT_HOUR, NAT_GB, IPV4 = 0.045, 0.045, 0.005  # "Amazon VPC pricing"
ENDPOINT_HOUR, ENDPOINT_GB = 0.01, 0.01  # "AWS PrivateLink pricing"
INGESTION, STORAGE = 0.50, 0.03  # "Amazon CloudWatch pricing", a GB
COMPRESSED = 0.15  # "AWS Pricing Calculator"
ALARM, DASHBOARD, METRIC = 0.10, 3.00, 0.30  # "Amazon CloudWatch pricing", a month
TRACE, INSIGHTS = 5.00, 1.00  # "AWS X-Ray pricing", a million
SECRET, CALLS = 0.40, 0.05 / 10_000  # "AWS Secrets Manager pricing"
OUT = 0.09  # "Amazon EC2 On-Demand Pricing", a GB, the first 10,240
S3, PUT = 0.023, 0.005 / 1000  # "Amazon S3 pricing"


def check(bill: Estimate, expected: dict[str, float]) -> None:
    assert rows(bill) == pytest.approx(expected)
    assert bill.usd == pytest.approx(sum(expected.values()))


def test_dev_without_a_request() -> None:
    starts = 30 * 1000 / GB
    check(
        estimated("dev"),
        {
            "Fargate vCPU": 1 * 0.25 * HOURS * VCPU,  # 7.39
            "Fargate GB": 1 * 0.5 * HOURS * MEMORY,  # 1.62
            "Load balancer hours": HOURS * ALB,  # 16.43
            "Public IPv4 addresses": (2 + 1) * HOURS * IPV4,  # 10.95, of two zones and a task
            "Alarm metrics": (9 + 2 * 2) * ALARM,  # 1.30
            "Dashboards": DASHBOARD,
            "Secrets": 3 * SECRET,  # 1.20
            "Secrets Manager calls": 30 * 2 * CALLS,
            "Log ingestion": starts * INGESTION,
            "Log storage": starts * 7 / DAYS * COMPRESSED * STORAGE,
        },
    )


def test_prod_at_50_requests_a_second() -> None:
    requests = 50 * HOURS * SECONDS
    traces = (5 + 45 * 0.1) * HOURS * SECONDS
    lines, starts = requests * 2 * 500 / GB, 2 * 30 * 1000 / GB
    telemetry = (requests * 1200 + traces * 1000 + traces * 2000) / GB
    check(
        estimated("prod", 50),
        {
            "Fargate vCPU": 2 * 0.5 * HOURS * VCPU,
            "Fargate GB": 2 * 1 * HOURS * MEMORY,
            "Load balancer hours": HOURS * ALB,
            "Load balancer capacity": 50 * 2000 * SECONDS / GB * HOURS * LCU,  # 0.34 GB an hour; 0.2 by new connections
            "NAT gateway hours": 2 * HOURS * NAT_HOUR,
            "NAT gateway data": telemetry * NAT_GB,
            "Public IPv4 addresses": (2 + 2) * HOURS * IPV4,
            "Data out": (requests * 1500 + traces * 2000) / GB * OUT,
            "X-Ray traces": traces / 1e6 * TRACE,  # 124.83
            "X-Ray insights": traces / 1e6 * INSIGHTS,
            "Log ingestion": (lines + starts) * INGESTION,
            "Log storage": (lines * 365 + starts * 14) / DAYS * COMPRESSED * STORAGE,
            "Custom metrics": 1 * METRIC,
            "Container Insights metrics": (12 + 15 + 10 + 3) * METRIC,  # by cluster, service, family; restarts
            "Container Insights logs": 2 * 2 * DAYS * 1e6 / GB * INGESTION,
            "Alarm metrics": (10 + 2 * 2) * ALARM,
            "Dashboards": DASHBOARD,
            "Secrets": 3 * SECRET,
            "Secrets Manager calls": 2 * 30 * 2 * CALLS,
            "S3 storage": requests * 386 / GB * 90 / DAYS * S3,
            "S3 PUT requests": 2 * 12 * HOURS * PUT,
        },
    )


def test_graviton_at_one_request_a_second() -> None:
    requests = HOURS * SECONDS
    lines, starts = requests * 2 * 500 / GB, 30 * 1000 / GB
    check(
        estimated("arm64", 1),
        {
            "Fargate vCPU": 0.25 * HOURS * 0.03238,
            "Fargate GB": 0.5 * HOURS * 0.00356,
            "Load balancer hours": HOURS * ALB,
            "Load balancer capacity": 2000 * SECONDS / GB * HOURS * LCU,
            "Public IPv4 addresses": 3 * HOURS * IPV4,
            "Data out": requests * (1500 + 2000) / GB * OUT,
            "X-Ray traces": requests / 1e6 * TRACE,  # the reservoir of 5 takes all
            "X-Ray insights": requests / 1e6 * INSIGHTS,
            "Log ingestion": (lines + starts) * INGESTION,
            "Log storage": (lines + starts) * 7 / DAYS * COMPRESSED * STORAGE,
            "Custom metrics": METRIC,
            "Alarm metrics": 13 * ALARM,
            "Dashboards": DASHBOARD,
            "Secrets": 3 * SECRET,
            "Secrets Manager calls": 30 * 2 * CALLS,
        },
    )


def test_spot_takes_70_percent_of_what_is_over_the_first_task() -> None:
    bill = rows(estimated("spot", 100))  # two tasks: 50 requests a second each
    assert bill["Fargate vCPU"] == pytest.approx((1 + 0.3) * 0.25 * HOURS * VCPU)
    assert bill["Fargate GB"] == pytest.approx((1 + 0.3) * 0.5 * HOURS * MEMORY)
    assert bill["Fargate Spot vCPU"] == pytest.approx(0.7 * 0.25 * HOURS * 0.01288871)
    assert bill["Fargate Spot GB"] == pytest.approx(0.7 * 0.5 * HOURS * 0.00141527)
    assert bill["Public IPv4 addresses"] == pytest.approx((2 + 2) * HOURS * IPV4)
    others = rows(estimated("dev", 100))
    fargate = {name for name in others | bill if name.startswith("Fargate")}
    assert {name: usd for name, usd in bill.items() if name not in fargate} == pytest.approx(
        {name: usd for name, usd in others.items() if name not in fargate}
    )


def test_endpoints_take_the_bytes_for_aws_from_the_nat_gateways() -> None:
    requests = 20 * HOURS * SECONDS
    traces = (5 + 15 * 0.1) * HOURS * SECONDS
    to_aws, to_vendors = (requests * 1200 + traces * 1000) / GB, traces * 2000 / GB
    by_nat, by_both = rows(estimated("prod", 20)), rows(estimated("nat and endpoints", 20))
    assert by_nat["NAT gateway data"] == pytest.approx((to_aws + to_vendors) * NAT_GB)
    assert by_both["NAT gateway data"] == pytest.approx(to_vendors * NAT_GB)
    assert by_both["Interface endpoint data"] == pytest.approx(to_aws * ENDPOINT_GB)
    assert by_both["Interface endpoint hours"] == pytest.approx(6 * 2 * HOURS * ENDPOINT_HOUR)  # 87.60
    crossing = rows(estimated("one nat", 20))
    assert crossing["NAT gateway hours"] == pytest.approx(HOURS * NAT_HOUR)
    assert crossing["Data between zones"] == pytest.approx(0.5 * (to_aws + to_vendors) * 2 * 0.01)


def test_every_request_sampled_at_1000_a_second() -> None:
    bill = estimated("prod", 1000, sampled_share=1.0, without_maximum=True)
    requests = 1000 * HOURS * SECONDS  # 2,628 million
    priced = rows(bill)
    assert priced["X-Ray traces"] == pytest.approx(13_140)
    assert priced["X-Ray insights"] == pytest.approx(2_628)
    assert priced["Fargate vCPU"] == pytest.approx(20 * 0.5 * HOURS * VCPU)  # 1,000 / 50
    assert priced["Fargate GB"] == pytest.approx(20 * 1 * HOURS * MEMORY)
    out = requests * (1500 + 2000) / GB  # 8,566 GB, in the first tier
    assert priced["Data out"] == pytest.approx(out * OUT)
    assert priced["NAT gateway data"] == pytest.approx(requests * (1200 + 1000 + 2000) / GB * NAT_GB)
    assert priced["Load balancer capacity"] == pytest.approx(1000 * 2000 * SECONDS / GB * HOURS * LCU)


def test_lines_of_2_kib_for_a_year() -> None:
    bill = rows(estimated("prod", 20, line_bytes=2048.0))
    lines = 20 * HOURS * SECONDS * 2 * (2048 + 26) / GB  # 203 GB
    starts = 2 * 30 * 1000 / GB
    assert bill["Log ingestion"] == pytest.approx((lines + starts) * INGESTION)
    assert bill["Log storage"] == pytest.approx((lines * 365 + starts * 14) / DAYS * COMPRESSED * STORAGE)
    requests, traces = 20 * HOURS * SECONDS, 6.5 * HOURS * SECONDS
    wire = requests * (1200 + 2 * (2048 - 474)) + traces * (1000 + 2000)
    assert bill["NAT gateway data"] == pytest.approx(wire / GB * NAT_GB)


def test_a_firewall_at_5_requests_a_second() -> None:
    with_firewall, without = rows(estimated("firewall", 5)), rows(estimated("dev", 5))
    assert with_firewall == pytest.approx(
        without | {"WAF web ACLs": 5.00, "WAF rules": 5 * 1.00, "WAF requests": 5 * HOURS * SECONDS / 1e6 * 0.60}
    )


def test_dev_for_100_hours() -> None:
    requests = 2 * 100 * SECONDS
    share = 100 / 730
    lines, starts = requests * 2 * 500 / GB, 30 * share * 1000 / GB
    check(
        estimated("dev", 2, hours=100),
        {
            "Fargate vCPU": 0.25 * 100 * VCPU,
            "Fargate GB": 0.5 * 100 * MEMORY,
            "Load balancer hours": 100 * ALB,
            "Load balancer capacity": 2 * 2000 * SECONDS / GB * 100 * LCU,
            "Public IPv4 addresses": 3 * 100 * IPV4,
            "Data out": requests * (1500 + 2000) / GB * OUT,
            "X-Ray traces": requests / 1e6 * TRACE,
            "X-Ray insights": requests / 1e6 * INSIGHTS,
            "Log ingestion": (lines + starts) * INGESTION,
            "Log storage": (lines + starts) * 7 / DAYS * COMPRESSED * STORAGE,
            "Custom metrics": share * METRIC,
            "Alarm metrics": share * 13 * ALARM,
            "Dashboards": share * DASHBOARD,
            "Secrets": share * 3 * SECRET,
            "Secrets Manager calls": 30 * share * 2 * CALLS,
        },
    )


def test_a_key_of_its_own_and_a_service_at_its_maximum() -> None:
    bill = estimated("key", 1000, failed_share=0.01)
    assert rows(bill)["Fargate vCPU"] == pytest.approx(6 * 0.5 * HOURS * VCPU)
    assert [each for each in bill.warnings if "full at 300 requests/s" in each and "`maximum`" in each]
    reads = 6 * 30 * 2
    assert rows(bill)["KMS keys"] == pytest.approx(1.00)
    assert rows(bill)["KMS requests"] == pytest.approx(reads * 0.03 / 10_000)
    head = 5 + 995 * 0.1
    traces = (head + (1000 - head) * 0.01) * HOURS * SECONDS  # failures beside those of the rule
    assert rows(bill)["X-Ray traces"] == pytest.approx(traces / 1e6 * TRACE)
    requests = 1000 * HOURS * SECONDS
    lines = (requests * 2 * 500 + requests * 0.01 * 1000) / GB
    assert rows(bill)["Log ingestion"] == pytest.approx((lines + 6 * 30 * 1000 / GB) * INGESTION)
    out = (requests * 1500 + traces * 2000 + requests * 0.01 * 3000) / GB
    assert rows(bill)["Data out"] == pytest.approx(out * OUT)
