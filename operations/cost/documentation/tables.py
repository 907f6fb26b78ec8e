"""The Markdown of README.md and docs/cost.md: tables of estimates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from operations.cost.curve import Point
from operations.cost.documentation.options import Addition
from operations.cost.documentation.transaction_search import TransactionSearch
from operations.cost.money import dollars
from operations.cost.prices.keys import KEYS
from operations.cost.prices.prices import UNRECORDED, Prices
from operations.cost.pricing import Pricing
from operations.cost.report.text import requests_text
from operations.cost.traffic import Traffic
from operations.cost.units import MILLION
from operations.published import table

TRAFFICS: Final = (1.0, 10.0, 50.0, 100.0)
"""Requests a second that the environments serve as they are."""
_SMALL: Final = 1.0
"""US dollars a month, below which a line item or a saving is not a row of its own."""


def environments(pricings: Mapping[str, Pricing]) -> str:
    """Return the line items of each environment without a request, and what it costs at each of `TRAFFICS`."""
    idle = [each.estimate(Traffic(requests=0.0)) for each in pricings.values()]
    costs: dict[str, list[float]] = {}
    for column, estimate in enumerate(idle):
        for item in estimate.items:
            costs.setdefault(item.name, [0.0] * len(idle))[column] += item.usd
    large = {name: usd for name, usd in costs.items() if max(usd) >= _SMALL}
    small = [usd for name, usd in costs.items() if name not in large]
    rows = [(name, *map(_or_none, usd)) for name, usd in sorted(large.items(), key=lambda each: -sum(each[1]))]
    rows.append(("everything else", *(dollars(sum(column)) for column in zip(*small, strict=True))))
    rows.append(("**the month**", *(f"**{dollars(each.usd)}**" for each in idle)))
    for requests in TRAFFICS:
        usd = (each.estimate(Traffic(requests=requests)).usd for each in pricings.values())
        rows.append((f"**the month at {requests_text(requests)}**", *(f"**{dollars(each)}**" for each in usd)))
    return table(["Without a request", *pricings], rows)


def price_files(regions: Iterable[Prices]) -> str:
    """Return what each region's price file has, and how many of its prices a person can look up."""
    head = ["Region", "Prices", "Stated twice", "Without an address", "Known for"]
    rows = (
        (
            each.region,
            f"{len(each.by_key)} of {len(KEYS)}",
            f"{sum(bool(price.second_source) for price in each.by_key.values())}",
            f"{sum(price.source == UNRECORDED for price in each.by_key.values())}",
            f"{each.oldest} to {each.newest}",
        )
        for each in regions
    )
    return table(head, rows)


def curve(points: Sequence[Point]) -> str:
    """Return the points of a curve."""
    head = ["Requests a second", "Tasks", "A month", "with every request traced", "A million requests"]
    rows = (
        (
            f"{each.requests:,.0f}",
            f"{each.tasks:,.0f}",
            dollars(each.sampled_usd),
            dollars(each.unsampled_usd),
            dollars(each.million_requests_usd),
        )
        for each in points
    )
    return table(head, rows)


def options(additions: Mapping[str, Sequence[Addition]]) -> str:
    """Return what each option adds to each environment, by the heading of its column."""
    rows = (
        (here[0].option.title, f"`{here[0].option.setting}`", *map(_addition, here))
        for here in zip(*additions.values(), strict=True)
    )
    unknown = dict.fromkeys(text for here in additions.values() for each in here for text in each.unknown)
    notes = [f"- {text}" for text in unknown]
    return "\n".join([table(["Option", "Set", *additions], rows), "", "Not in it:", "", *notes])


def savings(changes: Iterable[tuple[float, str, str]]) -> str:
    """Return the changes that save, the largest saving first: each is US dollars a month, environment and text."""
    saving = sorted((each for each in changes if each[0] >= _SMALL), key=lambda each: (-each[0], each[1:]))
    return table(["Environment", "Change", "Saves a month"], ((name, text, dollars(usd)) for usd, name, text in saving))


def transaction_search(ways: Mapping[str, TransactionSearch], recorded: Callable[[float], float]) -> str:
    """Return what a million traces cost in each way, without and with X-Ray insights, and where both cost the same.

    `recorded` are the traces a second that the sampling rules record of requests a second.
    """
    searches = ways.values()
    rows = [
        ["the daemon, a million traces", *(dollars(each.trace_usd * MILLION) for each in searches)],
        ["Transaction Search, the same traces", *(dollars(each.spans_usd * MILLION) for each in searches)],
        ["both cost the same where a span has", *(f"{each.break_even_bytes:,.0f} bytes" for each in searches)],
        [
            "every request by Transaction Search costs less than the sampled ones by the daemon up to",
            *(_requests(each.break_even_requests(recorded)) for each in searches),
        ],
    ]
    return table(["", *ways], rows)


def _requests(number: float) -> str:
    return "any traffic" if math.isinf(number) else f"about {float(f'{number:.1g}'):,.0f} requests a second"


def _or_none(usd: float) -> str:
    return dollars(usd) if usd else "none"


def _addition(addition: Addition) -> str:
    return f"{dollars(addition.usd)} (has it)" if addition.is_chosen else dollars(addition.usd)
