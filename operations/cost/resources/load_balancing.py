"""Price an Application Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.cost.context import Context
from operations.cost.intrinsics import is_open
from operations.cost.line_items import LineItem
from operations.cost.money import counted
from operations.cost.templates import NoPriceError, Resource
from operations.cost.units import GIB, HOUR_SECONDS

_NEW_CONNECTIONS: Final = 25.0
_ACTIVE_CONNECTIONS: Final = 3000.0
_RULE_EVALUATIONS: Final = 1000.0
"""What one LCU has of each dimension, and 1 GB an hour ("Elastic Load Balancing pricing")."""
_IPV6: Final = "dualstack-without-public-ipv4"
_FREE_RULES: Final = 10
"""Of those that a request is evaluated by ("Elastic Load Balancing pricing")."""
REQUESTS_PER_CONNECTION: Final = 10.0
CONNECTION_SECONDS: Final = 60.0
"""The default of the idle timeout ("Application Load Balancers", Elastic Load Balancing)."""


def load_balancer(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield hours, LCUs and public addresses ("Elastic Load Balancing pricing", "Amazon VPC pricing").

    Data that it sends to targets in other zones is not billed: public guides say so, AWS of Classic Load Balancers
    ("Configure cross-zone load balancing for your Classic Load Balancer").
    """
    if resource.get("Type") not in (None, "application"):
        raise NoPriceError(resource, f", which is of type {resource.get('Type')}")
    yield context.item(resource, "Load balancer hours", "alb-hour", context.hours, f"{context.hours:g} h")
    reserved = context.reader.number(resource, "MinimumLoadBalancerCapacity", "CapacityUnits", default=0)
    units, how = max(_capacity_units(context, resource), (reserved, f"{reserved:,.0f} reserved LCU"))
    yield context.item(
        resource,
        "Load balancer capacity",
        "alb-lcu-hour",
        units * context.hours,
        f"{how} x {context.hours:g} h",
        by_traffic=True,
    )
    if resource.get("Scheme") == "internal" or resource.get("IpAddressType") == _IPV6:
        return
    addresses = zones(resource)
    context.notes.assume("Data between a load balancer and its targets is not billed, in other zones neither.")
    yield context.item(
        resource,
        "Public IPv4 addresses",
        "public-ipv4-hour",
        addresses * context.hours,
        f"{counted(addresses, 'zone')} x {context.hours:g} h",
    )


def zones(balancer: Resource) -> int:
    """Return in how many zones a load balancer has a node: one for each subnet."""
    subnets = balancer.get("Subnets") or balancer.get("SubnetMappings")
    return max(1, len(subnets)) if isinstance(subnets, list) else 1


def _capacity_units(context: Context, balancer: Resource) -> tuple[float, str]:
    """Return the LCUs by the dimension with the most, which are billed, and how they are made."""
    requests = context.traffic.requests if takes_requests(context, balancer) else 0.0
    connections = requests / REQUESTS_PER_CONNECTION
    rules = max(0, _rules(context, balancer) - _FREE_RULES)
    context.notes.assume(
        f"Clients send {REQUESTS_PER_CONNECTION:g} requests over a connection, which stays open for "
        f"{CONNECTION_SECONDS:g} s; each request is evaluated by every rule."
    )
    size = context.measured.request
    dimensions = [
        (
            requests * size * HOUR_SECONDS / GIB,
            f"{requests:g} requests/s x {size:,.0f} bytes x {HOUR_SECONDS:,.0f} s / 1 GB",
        ),
        (connections / _NEW_CONNECTIONS, f"{connections:g} new connections/s / {_NEW_CONNECTIONS:g}"),
        (
            connections * CONNECTION_SECONDS / _ACTIVE_CONNECTIONS,
            f"{connections * CONNECTION_SECONDS:g} active connections / {_ACTIVE_CONNECTIONS:,.0f}",
        ),
        (requests * rules / _RULE_EVALUATIONS, f"{requests:g} requests/s x {rules} rules / {_RULE_EVALUATIONS:,.0f}"),
    ]
    return max(dimensions)


def takes_requests(context: Context, balancer: Resource) -> bool:
    """Return whether a load balancer forwards to the application: one of its listeners, or a rule of one, does.

    Of several that do, each is taken for the way of all requests.
    """
    application = context.application
    targets = application.service.records("LoadBalancers") if application else []
    groups = [text for each in targets if is_open(text := str(each.get("TargetGroupArn")))]
    if not groups:
        return True
    listeners = [
        each
        for each in context.templates.of_type("AWS::ElasticLoadBalancingV2::Listener")
        if context.templates.referred(each.get("LoadBalancerArn")) is balancer
    ]
    rules = [
        each
        for each in context.templates.of_type("AWS::ElasticLoadBalancingV2::ListenerRule")
        if context.templates.referred(each.get("ListenerArn")) in listeners
    ]
    return any(group in str(each.properties) for each in (*listeners, *rules) for group in groups)


def _rules(context: Context, balancer: Resource) -> int:
    """Return how many rules the busiest listener of a load balancer has."""
    referred = context.templates.referred
    counts: dict[str, int] = {}
    for rule in context.templates.of_type("AWS::ElasticLoadBalancingV2::ListenerRule"):
        listener = referred(rule.get("ListenerArn"))
        if listener is not None and referred(listener.get("LoadBalancerArn")) is balancer:
            counts[listener.logical_id] = counts.get(listener.logical_id, 0) + 1
    return max(counts.values(), default=0)
