"""The templates of the project's environments and of their variants, and a request that is easy to compute with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from infra.domain import Domain
from infra.environments import DEV, PROD, Environment
from infra.network import Networking
from infra.telemetry import Telemetry
from operations.cost import templates
from operations.cost.estimate import estimate
from operations.cost.line_items import Estimate
from operations.cost.prices import prices
from operations.cost.prices.prices import Prices, Tier
from operations.cost.templates import Templates
from operations.cost.traffic import Traffic, measured
from operations.synthesis import synthesize
from tests.infra.conftest import CERTIFICATE, COGNITO, OIDC, ZONE
from tests.infra.variants import VARIANTS

_UNIT_PRICES: Final = {
    "fargate-vcpu-hour-x86": 0.04048,
    "fargate-gb-hour-x86": 0.004445,
    "fargate-vcpu-hour-arm": 0.03238,
    "fargate-gb-hour-arm": 0.00356,
    "fargate-spot-vcpu-hour-x86": 0.01288871,
    "fargate-spot-gb-hour-x86": 0.00141527,
    "fargate-storage-gb-hour": 0.000111,
    "alb-hour": 0.0225,
    "alb-lcu-hour": 0.008,
    "nat-gateway-hour": 0.045,
    "nat-gateway-gb": 0.045,
    "public-ipv4-hour": 0.005,
    "interface-endpoint-hour": 0.01,
    "interface-endpoint-gb": 0.01,
    "inter-zone-gb": 0.01,
    "logs-ingestion-gb": 0.50,
    "logs-storage-gb-month": 0.03,
    "alarm-month": 0.10,
    "custom-metric-month": 0.30,
    "dashboard-month": 3.00,
    "xray-trace-million": 5.00,
    "xray-insights-trace-million": 1.00,
    "secret-month": 0.40,
    "secrets-request": 0.05,
    "kms-key-month": 1.00,
    "kms-request": 0.03,
    "s3-standard-gb-month": 0.023,
    "s3-put-request": 0.005,
    "sns-https-million": 0.60,
    "waf-acl-month": 5.00,
    "waf-rule-month": 1.00,
    "waf-request-million": 0.60,
}
"""us-east-1's of October 2026, whatever the price file says by now. Of each only the first tier counts."""
_OUT: Final = (Tier(0, 0.09), Tier(10_240, 0.085), Tier(51_200, 0.07), Tier(153_600, 0.05))


def _prices() -> Prices:
    shipped = prices.load("us-east-1")
    fixed = {key: replace(shipped[key], tiers=(Tier(0.0, usd),)) for key, usd in _UNIT_PRICES.items()}
    out = {"internet-out-gb": replace(shipped["internet-out-gb"], tiers=_OUT)}
    return Prices(shipped.region, {**shipped.by_key, **fixed, **out})


PRICES: Final = _prices()
MEASURED: Final = replace(
    measured(),
    log_line=474.0,
    log_lines=2.0,
    health_check_line=0.0,
    failure_lines=974.0,
    failure_log_lines=1.0,
    start_output=974.0,
    output=0.0,
    segment_wire=1000.0,
    spans=4.0,
    span=1000.0,
    honeycomb=2000.0,
    rollbar_item=3000.0,
    cloudwatch_wire=1200.0,
    request=2000.0,
    response=1500.0,
    requests_per_vcpu=400.0,
)
"""Of a request with two lines of 500 bytes each, as CloudWatch counts them, and another one where it fails."""

Json = dict[str, Any]
SERVICE, OBSERVABILITY = "Cruddur-dev-Service", "Cruddur-dev-Observability"
CERTIFIED: Final = replace(PROD.ingress, domain=Domain(name="api.example.com", certificate_arn=CERTIFICATE))
STACKS: Final[Mapping[str, Environment]] = {
    "dev": DEV,
    "prod": PROD,
    **VARIANTS,
    "https": replace(PROD, ingress=CERTIFIED),
    "in zone": replace(PROD, ingress=replace(CERTIFIED, domain=Domain(name="api.example.com", hosted_zone=ZONE))),
    "oidc": replace(PROD, ingress=replace(CERTIFIED, authentication=OIDC)),
    "cognito": replace(PROD, ingress=replace(CERTIFIED, authentication=COGNITO)),
    "nat and endpoints": replace(PROD, network=Networking(nat_gateways=2, endpoints=True)),
    "one nat": replace(PROD, network=Networking(nat_gateways=1)),
    "relay": replace(PROD, telemetry=Telemetry(sampling=None, browser_relay=True)),
}


@cache
def templates_of(name: str) -> Templates:
    """Return the templates of one of `STACKS`."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder), STACKS[name])
        return templates.load(Path(folder))


@cache
def _json_of(name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder), STACKS[name])
        return json.dumps(
            {
                path.name.removesuffix(".template.json"): json.loads(path.read_text("utf-8"))
                for path in sorted(Path(folder).glob("*.template.json"))
            }
        )


def parsed(name: str) -> Json:
    """Return the templates of one of `STACKS` as parsed JSON, by stack, anew for each caller."""
    content: Json = json.loads(_json_of(name))
    return content


def estimated(
    content: Templates | str, requests: float = 0.0, *, without_maximum: bool = False, **traffic: float
) -> Estimate:
    """Return the estimate of `MEASURED` requests in us-east-1."""
    resources = templates_of(content) if isinstance(content, str) else content
    asked = replace(Traffic(requests=requests), **traffic)
    return estimate(resources, asked, PRICES, MEASURED, without_maximum=without_maximum)


def rows(of: Estimate) -> dict[str, float]:
    """Return the US dollars of each kind of item that costs something."""
    sums: dict[str, float] = {}
    for item in of.items:
        sums[item.name] = sums.get(item.name, 0.0) + item.usd
    return {name: usd for name, usd in sums.items() if usd}


def of(content: Json) -> Templates:
    """Return the templates of `dev`, as `parsed` and changed."""
    return templates.of(content, "dev")


def resources(content: Json, resource_type: str) -> list[Json]:
    """Return the resources of a type."""
    return [each for stack in content.values() for each in stack["Resources"].values() if each["Type"] == resource_type]


def container(content: Json) -> Json:
    """Return the application's container."""
    (definition,) = resources(content, "AWS::ECS::TaskDefinition")
    application: Json = definition["Properties"]["ContainerDefinitions"][0]
    return application


def with_variable(content: Json, name: str, value: str) -> Json:
    """Return the templates with a variable of the application set."""
    variables = container(content)["Environment"]
    variables[:] = [each for each in variables if each["Name"] != name] + [{"Name": name, "Value": value}]
    return content
