"""Sum up an estimate: by line item, by resource, before traffic and with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from operations.cost.line_items import Estimate, LineItem
from operations.cost.prices.prices import Prices
from operations.cost.traffic import Traffic
from operations.cost.units import HOUR_SECONDS, MILLION

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ItemRow:
    """The line items of one name and price."""

    items: Sequence[LineItem]

    @property
    def name(self) -> str:
        """As a bill calls it."""
        return self.items[0].name

    @property
    def quantity(self) -> float:
        """In the unit of the price."""
        return sum(each.quantity for each in self.items)

    @property
    def usd(self) -> float:
        """US dollars a month."""
        return sum(each.usd for each in self.items)

    @property
    def unit_usd(self) -> float:
        """US dollars of a unit; of a price with tiers the mean, or the first tier's where nothing is used."""
        return self.usd / self.quantity if self.quantity else self.items[0].price.tiers[0].usd

    @property
    def derivations(self) -> Sequence[str]:
        """How the quantity is made, with the number of resources for which it is made alike."""
        counted = Counter(each.derivation for each in self.items)
        return [text if count == 1 else f"{count} x ({text})" for text, count in counted.items()]


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """A resource, or resources of one type that are billed for the same."""

    items: Sequence[LineItem]

    @property
    def type(self) -> str:
        """As `AWS::ECS::Service`."""
        return self.items[0].type

    @property
    def resources(self) -> Sequence[str]:
        """Their logical ids."""
        return list(dict.fromkeys(each.resource for each in self.items))

    @property
    def usd(self) -> float:
        """US dollars a month of all of them."""
        return sum(each.usd for each in self.items)

    @property
    def mostly(self) -> str:
        """The name of the item that most of it is for."""
        usd: dict[str, float] = {}
        for each in self.items:
            usd[each.name] = usd.get(each.name, 0.0) + each.usd
        return max(usd, key=lambda name: usd[name])


@dataclass(frozen=True)
class Summary:
    """An estimate beside the one of the same templates without a request."""

    estimate: Estimate
    idle: Estimate
    traffic: Traffic

    @cached_property
    def items(self) -> Sequence[ItemRow]:
        """The line items by name, the largest first."""
        grouped = _grouped(self.estimate.items, lambda each: (each.name, each.price.key))
        return sorted(map(ItemRow, grouped), key=lambda row: (-row.usd, row.name))

    @cached_property
    def resources(self) -> Sequence[ResourceRow]:
        """The resources, the largest first: of one type as one where the same items are billed of each."""
        by_resource = _grouped(self.estimate.items, lambda each: (each.stack, each.resource))
        alike = _grouped(by_resource, lambda items: (items[0].type, tuple(each.name for each in items if each.usd)))
        rows = (ResourceRow([item for items in group for item in items]) for group in alike)
        return sorted(rows, key=lambda row: (-row.usd, row.type, row.resources))

    @cached_property
    def prices(self) -> Prices:
        """The prices that the estimate is by."""
        used = {each.price.key: each.price for each in self.estimate.items if each.usd}
        return Prices(self.estimate.region, dict(sorted(used.items())))

    @property
    def largest(self) -> ItemRow | None:
        """The line item that costs most; None where nothing costs anything."""
        return self.items[0] if self.items and self.items[0].usd else None

    @property
    def monthly_requests(self) -> float:
        """Requests a month."""
        return self.traffic.requests * self.traffic.hours * HOUR_SECONDS

    @property
    def million_requests_usd(self) -> float | None:
        """US dollars that a million of these requests add to what the environment costs without any."""
        requests = self.monthly_requests
        return (self.estimate.usd - self.idle.usd) / requests * MILLION if requests else None

    def share(self, usd: float) -> float:
        """Return the share of the sum that `usd` is, 0 to 1."""
        return usd / self.estimate.usd if self.estimate.usd else 0.0


_Each = TypeVar("_Each")


def _grouped(each_of: Iterable[_Each], key: Callable[[_Each], _Key]) -> list[list[_Each]]:
    """Return the elements by key, in the order in which the keys first come."""
    groups: dict[_Key, list[_Each]] = {}
    for each in each_of:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())
