"""Price NAT gateways, public addresses, VPC endpoints and flow logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.cost import routes
from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.money import counted
from operations.cost.templates import NoPriceError, Resource
from operations.cost.units import GIB

_ENDS: Final = 2
"""Data between zones is billed where it leaves and where it arrives ("Amazon EC2 On-Demand Pricing")."""


def nat_gateway(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield hours and data of a NAT gateway: each GB processed, wherever it goes ("Amazon VPC pricing").

    The telemetry is spread evenly over the gateways.
    """
    yield context.item(resource, "NAT gateway hours", "nat-gateway-hour", context.hours, f"{context.hours:g} h")
    if resource.get("ConnectivityType") == "private":
        return
    gateways = len(context.public_gateways)
    sent = routes.through_nat(context)
    gigabytes = sent.size / GIB
    yield context.item(
        resource,
        "NAT gateway data",
        "nat-gateway-gb",
        gigabytes / gateways,
        f"({sent}) / {counted(gateways, 'gateway')}" if sent.size else "none",
        by_traffic=True,
    )
    crossing = max(0.0, 1 - gateways / routes.task_zones(context))
    if crossing:
        yield context.item(
            resource,
            "Data between zones",
            "inter-zone-gb",
            _ENDS * crossing * gigabytes / gateways,
            f"{crossing:.2g} of {gigabytes:,.2f} GB to a gateway in another zone x {_ENDS} ends",
            by_traffic=True,
        )


def elastic_ip(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the hours of a public IPv4 address, which is billed in use and idle ("Amazon VPC pricing")."""
    if not resource.get("PublicIpv4Pool"):
        yield context.item(resource, "Public IPv4 addresses", "public-ipv4-hour", context.hours, f"{context.hours:g} h")


def endpoint(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield hours in each zone and data of an interface endpoint ("AWS PrivateLink pricing")."""
    kind = resource.get("VpcEndpointType") or "Gateway"
    if kind == "Gateway":
        return
    if kind != "Interface":
        raise NoPriceError(resource, f", which is of type {kind}")
    subnets = resource.get("SubnetIds")
    zones = max(1, len(subnets)) if isinstance(subnets, list) else 1
    yield context.item(
        resource,
        "Interface endpoint hours",
        "interface-endpoint-hour",
        zones * context.hours,
        f"{counted(zones, 'zone')} x {context.hours:g} h",
    )
    sent = routes.through_endpoint(context, resource)
    yield context.item(
        resource,
        "Interface endpoint data",
        "interface-endpoint-gb",
        sent.size / GIB,
        str(sent),
        by_traffic=True,
    )


def flow_log(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield nothing: what a flow log delivers is billed as vended logs ("Amazon CloudWatch pricing"), and not known."""
    kind = {"REJECT": "rejected ", "ACCEPT": "accepted "}.get(str(resource.get("TrafficType")), "")
    context.notes.leave_out(f"Flow logs of {kind}connections{context.unit_price('vended-logs-gb', 'GB')}.")
    return iter(())
