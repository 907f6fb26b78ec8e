"""What an estimate consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from operations.cost.prices.prices import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """One thing that AWS bills for a resource: `quantity` units of `price` a month."""

    stack: str
    resource: str
    """The resource's logical id in its stack's template."""
    type: str
    """Its type, as `AWS::ECS::Service`."""
    name: str
    """What is billed, as a bill calls it: `Fargate vCPU`, `Log ingestion`. Items of one name are one row."""
    price: Price
    quantity: float
    derivation: str
    """How the quantity is made, with its units: `2 tasks x 0.5 vCPU x 730 h`."""
    by_traffic: bool
    """Whether it grows with the requests."""
    preceding: float = 0.0
    """Units of the same price in the items before it, which fill the lower tiers."""

    @property
    def usd(self) -> float:
        """US dollars a month, at the list price without the account's free allowance."""
        return self.price.cost(self.preceding + self.quantity) - self.price.cost(self.preceding)


@dataclass(frozen=True, slots=True)
class FreeResource:
    """A resource for which AWS bills nothing of its own."""

    stack: str
    resource: str
    type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A month of one environment at one traffic."""

    environment: str
    region: str
    items: Sequence[LineItem]
    free: Sequence[FreeResource]
    assumptions: Sequence[str]
    """Sentences: each value that is neither in the template nor given, and its source."""
    unknown: Sequence[str]
    """What is billed and not in the sum, with the reason: Honeycomb's and Rollbar's own plans among them."""
    warnings: Sequence[str]
    """Lines that are billed twice, a traffic that the service does not take."""

    @property
    def usd(self) -> float:
        """US dollars a month."""
        return sum(each.usd for each in self.items)
