"""Compare two estimates of one environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from operations.cost.line_items import Estimate, LineItem
from operations.cost.report.summary import Summary

_CENT: Final = 0.005
"""Half of one: amounts that differ by less are the same."""


class Billed(NamedTuple):
    """What one side has of a line item."""

    quantity: float = 0.0
    usd: float = 0.0
    """A month."""


@dataclass(frozen=True, slots=True)
class Row:
    """The line items of one name and price, in both estimates."""

    name: str
    unit: str
    before: Billed
    after: Billed

    @property
    def usd(self) -> float:
        """US dollars a month more."""
        return self.after.usd - self.before.usd


class ChangedResource(NamedTuple):
    """A resource that only one of the templates has."""

    type: str
    logical_id: str
    usd: float | None
    """A month; None of one that is free."""


@dataclass(frozen=True, slots=True)
class Change:
    """What `after` has else than `before`, which may be missing."""

    before: Summary | None
    after: Summary

    @property
    def all(self) -> Row:
        """The whole month."""
        before = self.before.estimate.usd if self.before else 0.0
        return Row("All", "", Billed(usd=before), Billed(usd=self.after.estimate.usd))

    @property
    def rows(self) -> Sequence[Row]:
        """The line items whose amount differs, the greatest difference first."""
        items = (*(self.before.estimate.items if self.before else ()), *self.after.estimate.items)
        units = {(each.name, each.price.key): each.price.unit for each in items}
        before = _billed(self.before.estimate.items if self.before else ())
        after = _billed(self.after.estimate.items)
        rows = [Row(key[0], unit, before.get(key, Billed()), after.get(key, Billed())) for key, unit in units.items()]
        return sorted((each for each in rows if abs(each.usd) >= _CENT), key=lambda row: (-abs(row.usd), row.name))

    @property
    def totals(self) -> Sequence[Row]:
        """What the month costs without a request, what the requests add, and both."""
        month = self.all
        idle = Billed(usd=self.before.idle.usd if self.before else 0.0), Billed(usd=self.after.idle.usd)
        requests = Billed(usd=month.before.usd - idle[0].usd), Billed(usd=month.after.usd - idle[1].usd)
        return [Row("Without a request", "", *idle), Row("By the requests", "", *requests), month]

    @property
    def added(self) -> Sequence[ChangedResource]:
        """Resources that the templates before do not have, those that are billed first."""
        return _missing(self.after, self.before)

    @property
    def removed(self) -> Sequence[ChangedResource]:
        """Resources that the templates after do not have, those that are billed first."""
        return _missing(self.before, self.after)

    @property
    def warnings(self) -> Sequence[str]:
        """Those that the templates before did not have."""
        known = self.before.estimate.warnings if self.before else ()
        return [each for each in self.after.estimate.warnings if each not in known]


def _billed(items: Sequence[LineItem]) -> dict[tuple[str, str], Billed]:
    billed: dict[tuple[str, str], Billed] = {}
    for each in items:
        sofar = billed.get((each.name, each.price.key), Billed())
        billed[each.name, each.price.key] = Billed(sofar.quantity + each.quantity, sofar.usd + each.usd)
    return billed


def _missing(summary: Summary | None, other: Summary | None) -> Sequence[ChangedResource]:
    """Return the resources of the one that the other does not have, none where one is missing."""
    if summary is None or other is None:
        return ()
    present, others = _resources(summary.estimate), _resources(other.estimate)
    missing = [resource for place, resource in present.items() if place not in others]
    return sorted(missing, key=lambda each: (each.usd is None, each.type, each.logical_id))


def _resources(estimate: Estimate) -> dict[tuple[str, str], ChangedResource]:
    """Return the resources by stack and logical id."""
    resources = {(each.stack, each.resource): ChangedResource(each.type, each.resource, None) for each in estimate.free}
    for each in estimate.items:
        place = each.stack, each.resource
        before = resources[place].usd if place in resources else None
        resources[place] = ChangedResource(each.type, each.resource, (before or 0.0) + each.usd)
    return resources
