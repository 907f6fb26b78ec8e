"""Describe who reaches the service, and how."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.authentication import Authentication
from infra.cors_origins import CorsOrigins
from infra.domain import Domain
from infra.firewall import Firewall
from infra.network import Networking

ANYWHERE: Final = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """Who reaches the service, and how. Raises `ValueError` for a malformed value."""

    domain: Domain | None = None
    """None serves plain HTTP at the load balancer's own name, if `plain_http` allows it."""
    plain_http: bool = False
    """Whether the service may be reached without TLS, where there is no `domain`."""
    internal: bool = False
    """Whether the load balancer has private addresses only."""
    allowed_cidrs: Sequence[str] = (ANYWHERE,)
    """The IPv4 networks that may connect."""
    access_logs: bool = False
    """Whether each request is logged to a bucket: S3's storage, $0.023 per GB-month."""
    firewall: Firewall | None = None
    authentication: Authentication | None = None
    """Who authenticates users, which needs a `domain`; None lets everybody in who may connect."""
    cors: CorsOrigins | None = None
    """The other origins whose pages may call the service; None allows its own alone."""

    def __post_init__(self) -> None:
        if self.authentication is not None and self.domain is None:
            raise ValueError(
                "authentication is set and domain is not: load balancers authenticate users over HTTPS alone, so set "
                "the `domain`, or `authentication` to None"
            )
        if not self.allowed_cidrs or isinstance(self.allowed_cidrs, str):
            raise ValueError(f"allowed_cidrs {self.allowed_cidrs!r} lists no network: write ('203.0.113.0/24',)")
        for cidr in self.allowed_cidrs:
            try:
                ipaddress.IPv4Network(cidr)
            except ValueError as error:
                raise ValueError(f"allowed_cidrs has {cidr!r} ({error}): write for example '203.0.113.0/24'") from error

    def check_network(self, network: Networking, environment: str) -> None:
        """Raise `ValueError` where the load balancer of `environment` could not do its part in `network`."""
        existing = network.existing
        if existing is not None and not (existing.public_subnet_ids or self.internal):
            raise ValueError(
                f"environment {environment!r} has an existing VPC without public subnets, so its load balancer must be "
                "internal: set internal=True of its `ingress`, or the public_subnet_ids"
            )
        has_internet = network.nat_gateways > 0 or not (network.endpoints or self.internal)
        if existing is not None:
            has_internet = not existing.reaches_only_aws
        if self.authentication is not None and not has_internet:
            raise ValueError(
                f"environment {environment!r} has authentication and no way to the internet, where the load balancer "
                "reaches the identity provider, and the tasks its public keys: set nat_gateways=1 in its `network`"
            )
