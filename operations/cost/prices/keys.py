"""Name what AWS bills: each price's key, its unit, and its row in AWS's public price list.

The list's offers, usage types, operations and units are those of public copies of it, read in November 2026:
"Analyzing, optimizing, and reducing CloudWatch costs" (Amazon CloudWatch User Guide) for CloudWatch's usage types,
infracost's `internal/resources/aws`, and prices-us-east-1.json of patibandlavenkatamanideep/pharma-analytics-copilot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from operations.cost.units import MILLION

TRACE_PRICE: Final = "xray-trace-million"


@dataclass(frozen=True, slots=True)
class PriceListRow:
    """The rows of AWS's price list that state a price: those of one product, a row for each tier."""

    offer: str
    """The service's code, as `AmazonECS`."""
    usage_type: str
    """Without the region's prefix: `USE1-NatGateway-Hours` and `NatGateway-Hours` are `NatGateway-Hours`."""
    unit: str
    """As the list has it; empty where no copy of the list shows it."""
    scale: float = 1
    """The list's units in one of ours: 10,000 for a list that prices one request."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What tells the product from others of its usage type, by column: in small letters, without spaces."""
    other_usage_type: str = ""
    """Its usage type in some regions."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a price is of."""

    unit: str
    row: PriceListRow | None = None
    """None for what the regions' lists lack: Spot prices, and what is sold globally."""
    is_global: bool = False
    """Whether all regions have one price."""


_APPLICATION: Final = {"operation": "LoadBalancing:Application"}
_GATEWAY: Final = {"operation": "NatGateway"}

KEYS: Final[Mapping[str, Key]] = {
    "fargate-vcpu-hour-x86": Key("vCPU-hour", PriceListRow("AmazonECS", "Fargate-vCPU-Hours:perCPU", "hours")),
    "fargate-gb-hour-x86": Key("GB-hour", PriceListRow("AmazonECS", "Fargate-GB-Hours", "hours")),
    "fargate-vcpu-hour-arm": Key("vCPU-hour", PriceListRow("AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU", "")),
    "fargate-gb-hour-arm": Key("GB-hour", PriceListRow("AmazonECS", "Fargate-ARM-GB-Hours", "")),
    "fargate-spot-vcpu-hour-x86": Key("vCPU-hour"),
    "fargate-spot-gb-hour-x86": Key("GB-hour"),
    "fargate-spot-vcpu-hour-arm": Key("vCPU-hour"),
    "fargate-spot-gb-hour-arm": Key("GB-hour"),
    "fargate-storage-gb-hour": Key(
        "GB-hour", PriceListRow("AmazonECS", "Fargate-EphemeralStorage-GB-Hours", "GB-Hours")
    ),
    "alb-hour": Key("hour", PriceListRow("AWSELB", "LoadBalancerUsage", "Hrs", columns=_APPLICATION)),
    "alb-lcu-hour": Key("LCU-hour", PriceListRow("AWSELB", "LCUUsage", "LCU-Hrs", columns=_APPLICATION)),
    "nat-gateway-hour": Key("hour", PriceListRow("AmazonEC2", "NatGateway-Hours", "Hrs", columns=_GATEWAY)),
    "nat-gateway-gb": Key("GB", PriceListRow("AmazonEC2", "NatGateway-Bytes", "GB", columns=_GATEWAY)),
    "public-ipv4-hour": Key("hour", PriceListRow("AmazonVPC", "PublicIPv4:InUseAddress", "Hrs")),
    "interface-endpoint-hour": Key("hour", PriceListRow("AmazonVPC", "VpcEndpoint-Hours", "Hrs")),
    "interface-endpoint-gb": Key("GB", PriceListRow("AmazonVPC", "VpcEndpoint-Bytes", "GB")),
    "internet-out-gb": Key(
        "GB",
        PriceListRow("AWSDataTransfer", "DataTransfer-Out-Bytes", "GB", columns={"transfertype": "AWS Outbound"}),
    ),
    "inter-zone-gb": Key(
        "GB",
        PriceListRow("AWSDataTransfer", "DataTransfer-Regional-Bytes", "GB", columns={"transfertype": "IntraRegion"}),
    ),
    "logs-ingestion-gb": Key("GB", PriceListRow("AmazonCloudWatch", "DataProcessing-Bytes", "GB")),
    "logs-infrequent-ingestion-gb": Key("GB", PriceListRow("AmazonCloudWatch", "DataProcessingIA-Bytes", "GB")),
    "logs-storage-gb-month": Key("GB-month", PriceListRow("AmazonCloudWatch", "TimedStorage-ByteHrs", "GB-Mo")),
    "logs-scanned-gb": Key("GB", PriceListRow("AmazonCloudWatch", "DataScanned-Bytes", "GB")),
    "vended-logs-gb": Key("GB", PriceListRow("AmazonCloudWatch", "VendedLog-Bytes", "GB")),
    "alarm-month": Key("metric-month", PriceListRow("AmazonCloudWatch", "CW:AlarmMonitorUsage", "Alarms")),
    "alarm-high-resolution-month": Key(
        "metric-month", PriceListRow("AmazonCloudWatch", "CW:HighResAlarmMonitorUsage", "Alarms")
    ),
    "composite-alarm-month": Key("alarm-month", PriceListRow("AmazonCloudWatch", "CW:CompositeAlarmMonitorUsage", "")),
    "custom-metric-month": Key("metric-month", PriceListRow("AmazonCloudWatch", "CW:MetricMonitorUsage", "Metrics")),
    "container-insights-enhanced-metric-month": Key(
        "metric-month", PriceListRow("AmazonCloudWatch", "CW:MetricsUsage", "")
    ),
    "dashboard-month": Key("dashboard-month", is_global=True),
    TRACE_PRICE: Key("million traces", PriceListRow("AWSXRay", "XRay-TracesStored", "traces", MILLION)),
    "xray-insights-trace-million": Key("million traces", is_global=True),
    "xray-retrieved-million": Key("million traces", PriceListRow("AWSXRay", "XRay-TracesAccessed", "traces", MILLION)),
    "transaction-search-span-gb": Key("GB", PriceListRow("AmazonCloudWatch", "Application-Signals-Bytes", "")),
    "transaction-search-indexed-span-million": Key(
        "million spans", PriceListRow("AmazonCloudWatch", "XRay-Spans-Indexed", "", MILLION)
    ),
    "application-signals-million": Key(
        "million signals", PriceListRow("AmazonCloudWatch", "Application-Signals", "", MILLION)
    ),
    "secret-month": Key("secret-month", PriceListRow("AWSSecretsManager", "AWSSecretsManager-Secrets", "Secrets")),
    "secrets-request": Key(
        "10,000 requests",
        PriceListRow(
            "AWSSecretsManager",
            "AWSSecretsManagerAPIRequest",
            "API Requests",
            10_000,
            other_usage_type="AWSSecretsManager-APIRequests",
        ),
    ),
    "kms-key-month": Key("key-month", PriceListRow("awskms", "KMS-Keys", "Keys")),
    "kms-request": Key("10,000 requests", PriceListRow("awskms", "KMS-Requests", "Requests", 10_000)),
    "s3-standard-gb-month": Key("GB-month", PriceListRow("AmazonS3", "TimedStorage-ByteHrs", "GB-Mo")),
    "s3-put-request": Key("1,000 requests", PriceListRow("AmazonS3", "Requests-Tier1", "Requests", 1_000)),
    "sns-https-million": Key("million notifications", PriceListRow("AmazonSNS", "DeliveryAttempts-HTTP", "", MILLION)),
    "waf-acl-month": Key("ACL-month", PriceListRow("awswaf", "WebACLV2", "Month")),
    "waf-rule-month": Key("rule-month", PriceListRow("awswaf", "RuleV2", "Month")),
    "waf-request-million": Key("million requests"),
    "ecr-storage-gb-month": Key("GB-month", PriceListRow("AmazonECR", "TimedStorage-ByteHrs", "GB-Mo")),
}
"""In the order of the files."""
