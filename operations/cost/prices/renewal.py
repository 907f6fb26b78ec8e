"""Renew a region's price file from AWS's price list."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Final

from operations.cost.prices.file import number
from operations.cost.prices.keys import KEYS
from operations.cost.prices.price_list import ListedPrice, read_offer
from operations.cost.prices.prices import Price, Prices, Tier
from operations.errors import OperatorError

REFERENCE: Final = "us-east-1"
"""The region whose prices those of a new one are compared with, and whose allowances are the account's everywhere."""
_FACTOR: Final = 10.0
"""By which no price changes: what does is another product or another unit."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The prices that a file gets, and the keys by what became of them."""

    prices: Prices
    changed: Mapping[str, tuple[str, str]]
    """The old price and the new one, as a person reads them; the old one is empty for a new key."""
    same: list[str]
    kept: list[str]
    """Not found in the list: as they were, with their dates."""


def renew(old: Prices, reference: Prices, today: date, base: str) -> Renewal:
    """Return the prices of the list with the notes of `old`, and those of `old` that the list does not have.

    `base` is the list's URL. Says on standard error which offer it reads: that of Amazon EC2 takes minutes. Raises
    `OperatorError` where an offer cannot be read, or a price cannot be the same thing's.
    """
    listed = _read(old.region, base)
    prices = {**{key: reference.by_key[key] for key in KEYS if KEYS[key].is_global}, **old.by_key}
    changed: dict[str, tuple[str, str]] = {}
    same: list[str] = []
    for key, found in listed.items():
        before = old.by_key.get(key)
        _check(key, before or reference.by_key.get(key), found)
        prices[key] = _renewed(key, before, reference.by_key.get(key), found, today)
        if before and before.tiers == found.tiers:
            same.append(key)
        else:
            changed[key] = (tiers_text(before.tiers) if before else "", tiers_text(found.tiers))
    kept = [key for key in prices if key not in listed]
    return Renewal(Prices(old.region, prices), changed, same, kept)


def tiers_text(tiers: tuple[Tier, ...]) -> str:
    """Return tiers as a person reads them: `$0.09, from 10240 $0.085`."""
    first, *further = tiers
    return ", ".join([f"${number(first.usd)}", *(f"from {number(each.start)} ${number(each.usd)}" for each in further)])


def _read(region: str, base: str) -> dict[str, ListedPrice]:
    rows = sorted(((key, each.row) for key, each in KEYS.items() if each.row), key=lambda pair: pair[1].offer)
    listed: dict[str, ListedPrice] = {}
    for offer, group in groupby(rows, key=lambda pair: pair[1].offer):
        sys.stderr.write(f"Reading the prices of {offer} in {region} …\n")
        listed.update(read_offer(offer, region, dict(group), base=base))
    if not listed:
        raise OperatorError(
            f"The price lists of {region} have none of the usage types of operations/cost/prices/keys.py",
            "Compare both: the names in the lists have changed",
        )
    return listed


def _check(key: str, before: Price | None, found: ListedPrice) -> None:
    """Raise `OperatorError` for a price that is not within a factor of 10 of the one before."""
    if before is None:
        return
    for one, other in ((before.tiers[0], found.tiers[0]), (before.tiers[-1], found.tiers[-1])):
        if not one.usd / _FACTOR <= other.usd <= one.usd * _FACTOR:
            raise OperatorError(
                f"{key}: {found.source} has {tiers_text(found.tiers)}, the file {tiers_text(before.tiers)} a "
                f"{before.unit}",
                "Look at both: where the list is right, write its price into the file by hand and renew again",
            )


def _renewed(key: str, before: Price | None, reference: Price | None, found: ListedPrice, today: date) -> Price:
    origin = before or reference
    price = Price(
        key=key,
        unit=KEYS[key].unit,
        tiers=found.tiers,
        source=found.source,
        read_on=today,
        stated_on=found.published,
        free=found.free if found.free is not None else origin.free if origin else 0.0,
        note=before.note if before else "",
    )
    if before and before.tiers == found.tiers:
        return replace(price, second_source=before.second_source, conflict=before.conflict)
    return price
