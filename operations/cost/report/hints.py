"""Say what would lower a line item."""

from __future__ import annotations

from typing import Final

from operations.cost.line_items import LineItem

_TRACES: Final = "a smaller ReservoirSize or FixedRate, in aws/json/xray.json or the environment's `sampling`"
HINTS: Final = {
    "fargate-": "smaller or fewer tasks, Graviton (`arm64`) or, above the minimum, Spot (`spot_percent`) in `tasks`",
    "alb-hour": "`make destroy` of an environment that is idle",
    "alb-lcu": "smaller responses, and fewer new connections where clients keep theirs alive",
    "nat-gateway-hour": "one for all zones (`nat_gateways=1` in `network`), or none, with tasks in public subnets",
    "nat-gateway-gb": "less telemetry through it: sample fewer requests, or `endpoints` for what goes to AWS",
    "public-ipv4": "private subnets or an `internal` load balancer: each public address is billed by the hour",
    "interface-endpoint": "a NAT gateway in place of `endpoints`: each endpoint is billed in each zone",
    "inter-zone": "tasks and what they call in one zone",
    "logs-ingestion": "fewer and shorter lines: LOG_LEVEL, and what the application logs for each request",
    "logs-infrequent": "fewer and shorter lines",
    "logs-storage": "a shorter `retention`",
    "logs-scanned": "saved queries over fewer hours",
    "vended-logs": "no `flow_logs` in `network`",
    "container-insights": "no `container_insights` in `tasks`",
    "custom-metric": "fewer custom metrics: no `container_insights`, none of the application's own that nobody reads",
    "composite-alarm": "fewer alarms of the application's own",
    "alarm": "fewer alarms of the application's own",
    "dashboard": "fewer dashboards: an account's first three are free",
    "xray-insights": "`InsightsEnabled` false in aws/json/xray-group.json",
    "xray-": f"{_TRACES}, or Transaction Search (docs/cost.md)",
    "transaction-search": _TRACES,
    "application-signals": "no Application Signals: the service's own metrics and traces say the same",
    "waf-": "no `firewall` in `ingress`",
    "secret": "fewer secrets of the application's own",
    "kms-": "no `customer_key`",
    "sns-": "fewer subscriptions to the alarms",
    "ecr-": "a lifecycle rule that deletes the images of old deploys",
    "s3-": "no `access_logs` in `ingress`",
    "internet-out": "smaller responses: compress them, or cache them in front of the load balancer",
}
"""What lowers an item, by how the key of its price begins."""


def hint(item: LineItem) -> str:
    """Return what would lower the item, as the end of a sentence; of a resource of the user's own file its name."""
    for key, text in HINTS.items():
        if item.price.key.startswith(key):
            return text
    return f"less of {item.type} {item.resource}"
