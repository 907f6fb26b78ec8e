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
