"""Environments that differ from the project's own in one choice each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from infra.account import Account
from infra.environments import DEV, PROD, Environment
from infra.firewall import Firewall
from infra.ingress import Ingress
from infra.network import ExistingVpc, Networking
from infra.notifications import Notifications
from tests.infra.assembly import Assembly
from tests.infra.test_notifications import SLACK

ZONES = ("us-east-1b", "us-east-1d")
EXISTING = ExistingVpc(
    vpc_id="vpc-0123456789abcdef0",
    availability_zones=ZONES,
    private_subnet_ids=("subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2"),
    public_subnet_ids=("subnet-0bbbbbbbbbbbbbbb1", "subnet-0bbbbbbbbbbbbbbb2"),
)

VARIANTS: dict[str, Environment] = {
    "arm64": replace(DEV, tasks=replace(DEV.tasks, arm64=True)),
    "spot": replace(DEV, tasks=replace(DEV.tasks, spot_percent=70)),
    "threads": replace(DEV, tasks=replace(DEV.tasks, threads=54)),
    "exec": replace(DEV, tasks=replace(DEV.tasks, ecs_exec=True)),
    "existing": replace(DEV, network=Networking(existing=EXISTING)),
    "cidr": replace(DEV, network=Networking(cidr="172.20.8.0/21", availability_zones=ZONES)),
    "endpoints": replace(DEV, network=Networking(endpoints=True)),
    "private": replace(DEV, network=Networking(endpoints=True), ingress=Ingress(plain_http=True, internal=True)),
    "allowed": replace(DEV, ingress=Ingress(plain_http=True, allowed_cidrs=("203.0.113.0/24", "198.51.100.7/32"))),
    "firewall": replace(DEV, ingress=Ingress(plain_http=True, firewall=Firewall(requests=1000, relay_requests=50))),
    "key": replace(PROD, customer_key=True),
    "boundary": replace(PROD, account=Account(permissions_boundary="team/boundary")),
    "qualifier": replace(DEV, account=Account(bootstrap_qualifier="team1")),
    "notified": replace(DEV, notifications=Notifications(slack=SLACK, webhook_secret="hook", monthly_budget=9)),
}
Variant = Callable[[str], Assembly]


def types_in(assembly: Assembly) -> set[str]:
    """Return the types of the resources of both stacks."""
    return {each["Type"] for stack in assembly.stacks for each in stack.content["Resources"].values()}
