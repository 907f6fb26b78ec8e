"""The prices of one region, each with its source and the date at which it was read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

from operations.cost.prices.keys import KEYS
from operations.cost.prices.toml_fields import Fields, read_tables
from operations.errors import OperatorError

FOLDER: Final = Path(__file__).resolve().parents[3] / "aws" / "prices"
"""A file for each region, as `us-east-1.toml`."""
RENEWAL: Final = "make prices RENEW=1 REGION="
_EXAMPLE: Final = "aws/prices/us-east-1.toml"
_RESOURCES: Final = "resources"
UNRECORDED: Final = "a public document that quotes the list; its address was not kept"
"""The `source` of a price that was read where nobody can look again."""
_PRICE: Final = "usd or tiers, unit, source, read, and at will list, stated, second_source, free, conflict, note"
_RESOURCE: Final = "monthly (US dollars each) or free (why), source and read"
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Tier:
    """What a unit costs from `start` units a month on."""

    start: float
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price of the file. `tiers` ascend and begin at 0; a free allowance is none: it is the account's (`free`)."""

    key: str
    """As in `fargate-vcpu-hour-x86`: one of `KEYS`."""
    unit: str
    """What is counted, in the singular: `vCPU-hour`, `GB`, `million traces`."""
    tiers: tuple[Tier, ...]
    source: str
    """Where it was read: the address of a page, of a public repository's file at a commit, or `UNRECORDED`."""
    read_on: date
    list_url: str = ""
    """The address of AWS's own list, feed or page that the source quotes."""
    stated_on: date | None = None
    """The day for which the source states it, where it says so: that of the list's publication."""
    second_source: str = ""
    """The address of another document that states the same."""
    free: float = 0.0
    """Units a month that an account has free, all its services together."""
    conflict: str = ""
    """What another source states instead."""
    note: str = ""

    @property
    def as_of(self) -> date:
        """The day for which the price is known: the source's own, else that of the reading."""
        return self.stated_on or self.read_on

    def cost(self, quantity: float) -> float:
        """Return the US dollars of `quantity` units in one month, through the tiers."""
        ends = [after.start for _, after in pairwise(self.tiers)] + [float("inf")]
        return sum(
            (min(quantity, end) - tier.start) * tier.usd
            for tier, end in zip(self.tiers, ends, strict=True)
            if quantity > tier.start
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnResource:
    """A type of resources in a file of one's own: each costs `monthly` US dollars a month, or is free for a reason."""

    type: str
    monthly: float
    free: str
    source: str
    read_on: date


@dataclass(frozen=True, slots=True)
class Prices:
    """The price file of a region, as it was read, under the user's own."""

    region: str
    by_key: Mapping[str, Price]
    own_resources: Mapping[str, OwnResource] = field(default_factory=dict)
    """By type, as `AWS::RDS::DBInstance`."""

    def __getitem__(self, key: str) -> Price:
        """Return the price. Raises `OperatorError` where the file does not have it."""
        try:
            return self.by_key[key]
        except KeyError:
            raise self.missing([key]) from None

    def of(self, keys: Iterable[str]) -> Prices:
        """Return the prices of these keys only."""
        return Prices(self.region, {key: self[key] for key in keys}, self.own_resources)

    @property
    def oldest(self) -> date:
        """The earliest day for which one of the prices is known. There has to be one."""
        return min(each.as_of for each in self.by_key.values())

    @property
    def newest(self) -> date:
        """The latest such day."""
        return max(each.as_of for each in self.by_key.values())

    def missing(self, keys: Iterable[str]) -> OperatorError:
        """Return the error of prices that the file does not have."""
        return OperatorError(
            f"The price file of {self.region} has no price {', '.join(map(repr, sorted(keys)))}",
            f"Give a file that has it, by make cost PRICES=prices.toml in the form of {_EXAMPLE}, or read AWS's "
            f"price list where there is a network: {RENEWAL}{self.region}",
        )


def regions() -> list[str]:
    """Return the regions that have a price file."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(region: str, own: Path | None = None) -> Prices:
    """Return the prices of a region, those of the user's own file laid over the shipped ones.

    Raises `OperatorError` for a region without prices, and for a file with a fault: it names the key and the value.
    """
    if own is None and region not in regions():
        raise OperatorError(
            f"There are no prices of {region} (aws/prices has {', '.join(regions())})",
            f"Give a file of your own, by make cost PRICES=prices.toml in the form of {_EXAMPLE}, or make one from "
            f"AWS's price list where there is a network: {RENEWAL}{region}",
        )
    shipped = read(FOLDER / f"{region}.toml").by_key if region in regions() else {}
    if own is None:
        return Prices(region, shipped)
    mine = read(own)
    return Prices(region, {**shipped, **mine.by_key}, mine.own_resources)


def read(path: Path) -> Prices:
    """Return the prices of one file, of the region that its name says. Raises `OperatorError`."""
    tables = read_tables(path)
    own = tables.pop(_RESOURCES, {})
    if not isinstance(own, dict):
        raise OperatorError(
            f"{path}: {_RESOURCES} is {own!r}", 'Write a table for each type, as [resources."AWS::RDS::DBInstance"]'
        )
    return Prices(
        path.stem,
        {key: _price(key, Fields(path, key, value, _PRICE)) for key, value in tables.items()},
        {
            name: _resource(name, Fields(path, f'{_RESOURCES}."{name}"', value, _RESOURCE))
            for name, value in own.items()
        },
    )


def _price(key: str, fields: Fields) -> Price:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        hint = f"did you mean [{near[0]}]? " if near else ""
        raise fields.error("is no price", f"{hint}the keys are those of {_EXAMPLE}")
    unit = fields.text("unit")
    if unit != KEYS[key].unit:
        raise fields.error(
            f"has unit = {unit!r}", f"give the price of a {KEYS[key].unit}, and write unit = {KEYS[key].unit!r}"
        )
    price = Price(
        key=key,
        unit=unit,
        tiers=_tiers(fields),
        source=fields.text("source"),
        read_on=fields.day("read"),
        list_url=fields.optional_text("list"),
        stated_on=fields.day("stated") if "stated" in fields else None,
        second_source=fields.optional_text("second_source"),
        free=fields.number("free", 0.0),
        conflict=fields.optional_text("conflict"),
        note=fields.optional_text("note"),
    )
    fields.reject_unknown()
    return price


def _tiers(fields: Fields) -> tuple[Tier, ...]:
    if "tiers" not in fields:
        return (Tier(0.0, fields.number("usd")),)
    if "usd" in fields:
        raise fields.error("has usd and tiers", "keep one of them")
    value = fields.pop("tiers")
    wrong = fields.error(
        f"has tiers = {value!r}",
        "write pairs of a start and US dollars that ascend from 0, as tiers = [[0, 0.09], [10240, 0.085]]",
    )
    if not isinstance(value, list) or any(not isinstance(each, list) or len(each) != _PAIR for each in value):
        raise wrong
    tiers = tuple(Tier(*(fields.amount(f"tiers = {value!r}", each) for each in pair)) for pair in value)
    if not tiers or tiers[0].start != 0 or any(one.start >= after.start for one, after in pairwise(tiers)):
        raise wrong
    return tiers


def _resource(name: str, fields: Fields) -> OwnResource:
    if ("monthly" in fields) == ("free" in fields):
        raise fields.error(
            "has both monthly and free" if "free" in fields else "has neither monthly nor free",
            'write monthly = 15.33 (US dollars each), or free = "why"',
        )
    resource = OwnResource(
        type=name,
        monthly=fields.number("monthly", 0.0),
        free=fields.optional_text("free"),
        source=fields.text("source"),
        read_on=fields.day("read"),
    )
    fields.reject_unknown()
    return resource
