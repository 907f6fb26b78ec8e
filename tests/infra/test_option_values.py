"""A choice that cannot be deployed is refused where it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from infra.account import Account
from infra.environments import DEV
from infra.firewall import Firewall
from infra.ingress import Ingress
from infra.network import Networking
from infra.telemetry import Sampling, Telemetry
from tests.infra.variants import EXISTING


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Networking(cidr="10.0.0.1/16"), r"cidr '10\.0\.0\.1/16' is malformed .*write for example"),
        (lambda: Networking(cidr="10.0.0.0/28"), "has the wrong size: use a prefix of 16 to 23"),
        (lambda: Networking(availability_zones=("us-east-1a",)), "too few, or named twice: a load balancer needs two"),
        (lambda: Networking(existing=EXISTING, nat_gateways=1), "existing is set, and so is another choice"),
        (lambda: replace(EXISTING, private_subnet_ids=()), r"private_subnet_ids \[\] are not one for each zone, of 2"),
        (
            lambda: replace(DEV, network=Networking(existing=replace(EXISTING, public_subnet_ids=()))),
            "must be internal: set internal=True of its `ingress`, or the public_subnet_ids",
        ),
        (lambda: Ingress(allowed_cidrs=("everybody",)), "allowed_cidrs has 'everybody'"),
        (lambda: Ingress(allowed_cidrs=()), "lists no network"),
        (lambda: Ingress(allowed_cidrs="10.0.0.0/8"), "lists no network"),
        (lambda: Firewall(requests=1), "requests 1 is out of range: use 10 to"),
        (lambda: replace(DEV.tasks, memory=4096), "does not go with cpu 256: Fargate offers 512, 1024, 2048"),
        (lambda: replace(DEV.tasks, cpu=300), "Fargate offers for cpu one of 256, 512, 1024"),
        (lambda: replace(DEV.tasks, desired=5), "use 1 <= minimum <= desired <= maximum"),
        (lambda: replace(DEV.tasks, spot_percent=100), "spot_percent 100 is out of range: use 0 to 99"),
        (lambda: replace(DEV.tasks, threads=0), "threads 0 is out of range: use 1 or more"),
        (lambda: Account(permissions_boundary="/team/boundary"), "permissions_boundary .* is malformed"),
        (lambda: Networking(nat_gateways=-1), "nat_gateways -1 is out of range"),
        (lambda: Networking(availability_zones=("us-east-1a",) * 2), "or named twice"),
        (lambda: Account(owner="a;b"), "owner 'a;b' is malformed"),
        (lambda: Account(permissions_boundary="two words"), "permissions_boundary 'two words' is malformed"),
        (lambda: Account(bootstrap_qualifier="Team"), "bootstrap_qualifier 'Team' is malformed: use up to ten"),
        (lambda: Sampling(fixed_rate=1.1, reservoir_size=1), "fixed_rate 1.1 is out of range: use 0 to 1"),
        (lambda: Sampling(fixed_rate=1, reservoir_size=-1), "reservoir_size -1 is out of range"),
        (lambda: Telemetry(sampling=None, browser_relay=True, rollbar_items="x"), "rollbar_items 'x' is malformed"),
    ],
)  # fmt: skip
def test_a_malformed_choice_is_an_error_with_value_and_remedy(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
