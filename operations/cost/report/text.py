"""Print an estimate for people, in lines of 80 characters where they are piped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Final

from operations.cost.arguments import Region
from operations.cost.money import dollars, percent, quantity, unit_price
from operations.cost.report.hints import hint
from operations.cost.report.summary import ItemRow, ResourceRow, Summary
from operations.cost.report.terminal import Terminal
from operations.deploy.plain_text import one_line

_HASH: Final = re.compile(r"(?<=.)[0-9A-F]{8}$")


class Report(Terminal):
    """Prints an estimate."""

    def estimate(self, summary: Summary, *, region: Region, today: date, free: bool = False) -> None:
        """Print the tables, what they rest on and the sum; with `free` also the resources that AWS does not bill."""
        estimate, traffic = summary.estimate, summary.traffic
        self.paragraph(
            f"{estimate.environment} in {region.name} at {requests_text(traffic.requests)}, {traffic.hours:,g} hours: "
            f"{dollars(estimate.usd)} a month",
            style="bold",
        )
        self.sentences("Warnings", estimate.warnings, style="yellow")
        self._resources(summary)
        self._items(summary)
        if free:
            self._free(summary)
        self.sentences("Assumptions", estimate.assumptions)
        self.sentences("Not in the sum", estimate.unknown)
        self.line()
        self.paragraph(prices_text(summary, today), style="dim")
        self._sum(summary)

    def _free(self, summary: Summary) -> None:
        table = self.table("Free", "Why")
        counted = Counter((short_type(each.type), each.reason) for each in summary.estimate.free)
        for (name, reason), count in sorted(counted.items()):
            table.add_row(*map(one_line, (_counted(count, name), reason)))
        table.columns[0].no_wrap = True
        self.print_table(table)

    def _resources(self, summary: Summary) -> None:
        table = self.table("Resource", "Mostly", "$ a month", "Share", right=2)
        for row in filter(lambda each: each.usd, summary.resources):
            cells = (resource_text(row), row.mostly, dollars(row.usd), percent(summary.share(row.usd)))
            table.add_row(*map(one_line, cells))
        self.print_table(table)

    def _items(self, summary: Summary) -> None:
        table = self.table("Line item", "Quantity", "Unit price", "$ a month", "Share", right=4)
        rows = [each for each in summary.items if each.usd]
        for row in rows:
            amount = f"{quantity(row.quantity)} {units(row.items[0].price.unit, row.quantity)}"
            share = percent(summary.share(row.usd))
            table.add_row(*map(one_line, (row.name, amount, unit_price(row.unit_usd), dollars(row.usd), share)))
        self.print_table(table)
        self.sentences("How the quantities are made", [f"{row.name}: {'; '.join(row.derivations)}." for row in rows])

    def _sum(self, summary: Summary) -> None:
        self.line()
        for label, usd in sums(summary):
            self.line(f"{label:<58}{dollars(usd):>14} ", style="bold")
        if summary.largest:
            self.line()
            self.paragraph(largest_text(summary))


def sums(summary: Summary) -> Iterable[tuple[str, float]]:
    """Yield the sums, each with its name."""
    yield "A month without a request", summary.idle.usd
    if summary.million_requests_usd is not None:
        yield f"A month at {requests_text(summary.traffic.requests)}", summary.estimate.usd
        yield "A million requests add to it, on average", summary.million_requests_usd


def largest_text(summary: Summary) -> str:
    """Return the sentence of the item that costs most, and what would lower it."""
    if summary.largest is None:
        return "Nothing of it is billed."
    return f"The largest item is {item_text(summary.largest, summary)}"


def item_text(row: ItemRow, summary: Summary) -> str:
    """Return an item with its share and what would lower it."""
    share = percent(summary.share(row.usd))
    return f"{row.name}, {dollars(row.usd)} ({share}). What lowers it: {hint(row.items[0])}."


def prices_text(summary: Summary, today: date) -> str:
    """Return where the prices are from, and how old they are."""
    if not summary.prices.by_key:
        return f"By the list prices of {summary.estimate.region}, without discounts and taxes."
    oldest, newest = summary.prices.oldest, summary.prices.newest
    age = (today - oldest).days
    stated = f"{oldest}" if oldest == newest else f"{oldest} to {newest}"
    return (
        f"By {len(summary.prices.by_key)} prices for {summary.estimate.region}, as of {stated}, without taxes; the "
        f"oldest is {age} {'day' if age == 1 else 'days'} old. make prices lists them with their sources."
    )


def requests_text(requests: float) -> str:
    """Return `50 requests a second`."""
    return f"{requests:,g} {'request' if requests == 1 else 'requests'} a second"


def short_type(type_: str) -> str:
    """Return the type without `AWS::`, which all have, and with the short names of long services."""
    return type_.removeprefix("AWS::").replace("ElasticLoadBalancingV2", "ELBv2").replace("ApplicationAuto", "Auto")


def _counted(count: int, name: str) -> str:
    return f"{count} x {name}" if count > 1 else name


def resource_text(row: ResourceRow) -> str:
    """Return type and logical id, without the hash at its end that the CDK adds; of several their number and type."""
    name, count = short_type(row.type), len(row.resources)
    return f"{name} {_HASH.sub('', row.resources[0])}" if count == 1 else _counted(count, name)


def units(unit: str, number: float) -> str:
    """Return what follows a quantity: `GB-months`, `million traces`, `x 10,000 requests`."""
    if unit[0].isdigit():
        return f"x {unit}"
    return f"{unit}s" if number != 1 and unit.endswith(("hour", "month")) else unit
