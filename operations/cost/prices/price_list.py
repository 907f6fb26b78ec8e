"""Read prices from AWS's public price list, which needs no credentials.

The bulk API's CSV file of one service and region ("Getting price list files manually", AWS Billing User Guide) has five
lines about itself, the names of the columns, and a row for each tier of each product. That of Amazon EC2 is huge:
rows are read one by one, and only those that are asked for are kept.
"""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import requests

from operations.cost.prices.keys import PriceListRow
from operations.cost.prices.prices import Tier
from operations.errors import OperatorError

LIST: Final = "https://pricing.us-east-1.amazonaws.com"
_PATH: Final = "/offers/v1.0/aws/{offer}/{version}/{region}/index.csv"
_PREFIX: Final = r"(?:(?:EU|[A-Z]{3}[0-9])-)?"
"""Of a usage type in most regions, as `EUC1-`, and `EU-` in Ireland. `Global-`, `TS-` and `Outposts-` mean others."""
_TIMEOUT: Final = (10.0, 60.0)
MAX_BYTES: Final = 16 * 2**30
MAX_SECONDS: Final = 3600.0
"""Of one file."""
MAX_LINE_BYTES: Final = 2**20
_HEADER_LINES: Final = 20
_VERSION: Final = re.compile(r"[0-9]{14}")
_COLUMNS: Final = ("sku", "termtype", "startingrange", "unit", "priceperunit", "currency", "usagetype")
_FORMAT_CHANGED: Final = (
    "Its form has changed: adapt operations/cost/prices/price_list.py, and until then write prices by hand"
)


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A price of the list, in the units of its key."""

    tiers: tuple[Tier, ...]
    free: float | None
    """Units a month before the first one that is billed; None where the product's rows have no such tier."""
    published: date
    source: str


@dataclass(frozen=True, slots=True)
class _Product:
    unit: str
    tiers: tuple[tuple[Decimal, Decimal], ...]


def read_offer(
    offer: str, region: str, rows: Mapping[str, PriceListRow], *, base: str = LIST
) -> dict[str, ListedPrice]:
    """Return the prices by key, without those that the list does not have. `rows` are of this offer.

    Raises `OperatorError`, which names the file or the key.
    """
    url = base + _PATH.format(offer=offer, version="current", region=region)
    with closing(_lines(url)) as lines:
        published, version, names = _head(lines, url)
        products = _products(lines, names, rows, region, url)
    source = LIST + _PATH.format(offer=offer, version=version, region=region)
    return {
        key: ListedPrice(*_tiers(key, rows[key], each, url), published, source)
        for key, each in products.items()
        if each
    }


def _lines(url: str) -> Generator[bytes]:
    """Yield the file's lines. Raises `OperatorError` where it cannot be read to its end within the limits."""
    end = time.monotonic() + MAX_SECONDS
    size = 0
    rest = b""
    try:
        with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == requests.codes.not_found:
                raise OperatorError(f"{url} does not exist (404)", "Check the name of the region")
            if not response.ok:
                raise OperatorError(f"{url} answered {response.status_code}", "Try again later")
            for chunk in response.iter_content(2**16):
                size += len(chunk)
                if size > MAX_BYTES or time.monotonic() > end:
                    raise OperatorError(
                        f"{url} was given up after {size:,} bytes (at most {MAX_BYTES:,}, {MAX_SECONDS:g} s)",
                        "Try again with a faster connection",
                    )
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
                if len(rest) > MAX_LINE_BYTES:
                    raise OperatorError(f"{url} has a line of more than {MAX_LINE_BYTES:,} bytes", _FORMAT_CHANGED)
    except requests.RequestException as error:
        raise OperatorError(
            f"{url} cannot be read to its end ({type(error).__name__} after {size:,} bytes)",
            "Check the network or its proxy, and try again",
        ) from error
    yield rest


def _head(lines: Iterator[bytes], url: str) -> tuple[date, str, list[str]]:
    """Return the publication's day, the version, and the columns' names in small letters without spaces."""
    about: dict[str, str] = {}
    for line, _ in zip(lines, range(_HEADER_LINES), strict=False):
        cells = _cells(line)
        names = [each.lower().replace(" ", "") for each in cells]
        if names[:1] == ["sku"]:
            if missing := sorted({*_COLUMNS} - {*names}):
                raise OperatorError(f"{url} has no column {missing[0]}", _FORMAT_CHANGED)
            published = _day(about.get("Publication Date", ""))
            if published is None or not _VERSION.fullmatch(about.get("Version", "")):
                break
            return published, about["Version"], names
        if len(cells) > 1:
            about[cells[0]] = cells[1]
    raise OperatorError(
        f"{url} does not begin as a price list, with version and publication date of the past", _FORMAT_CHANGED
    )


def _day(text: str) -> date | None:
    """Return the day of a time of ISO 8601; None for any other text, and for a day to come."""
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        return None
    return day if day <= datetime.now(UTC).date() + timedelta(days=1) else None


def _products(
    lines: Iterator[bytes], names: Sequence[str], rows: Mapping[str, PriceListRow], region: str, url: str
) -> dict[str, dict[str, _Product]]:
    """Return the products of each key by SKU. Raises `OperatorError` for a file that ends within a row."""
    patterns = {key: _pattern(row, region) for key, row in rows.items()}
    needles = {each.encode() for row in rows.values() for each in (row.usage_type, row.other_usage_type) if each}
    found: dict[str, dict[str, _Product]] = {key: {} for key in rows}
    last = b""
    for line in lines:
        last = line.strip() or last
        if not any(each in line for each in needles):
            continue
        cells = dict(zip(names, _cells(line), strict=False))
        place = cells.get("regioncode") or cells.get("fromregioncode") or region  # else a local zone's
        if cells.get("termtype") != "OnDemand" or place != region:
            continue
        for key, pattern in patterns.items():
            if pattern.fullmatch(cells.get("usagetype", "")) and _has(cells, rows[key].columns):
                _add(found[key], cells, key, url)
    if len(_cells(last)) != len(names) or not last.endswith(b'"'):
        raise OperatorError(f"{url} is cut off: it does not end with a whole row", "Try again")
    return found


def _pattern(row: PriceListRow, region: str) -> re.Pattern[str]:
    usage_types = "|".join(re.escape(each) for each in (row.usage_type, row.other_usage_type) if each)
    return re.compile(f"(?:{_PREFIX}|{re.escape(region)}-)(?:{usage_types})")


def _has(cells: Mapping[str, str], columns: Mapping[str, str]) -> bool:
    return all(cells.get(name) == value for name, value in columns.items())


def _add(products: dict[str, _Product], cells: Mapping[str, str], key: str, url: str) -> None:
    """Add a row to its product. Raises `OperatorError` for a price that is no amount of US dollars."""
    try:
        start, usd = Decimal(cells["startingrange"] or "0"), Decimal(cells["priceperunit"])
    except InvalidOperation:
        start = usd = Decimal("NaN")
    if not (start.is_finite() and usd.is_finite()) or usd < 0 or cells["currency"] != "USD":
        shown = f"{cells['priceperunit']!r} {cells['currency']} from {cells['startingrange']!r}"
        raise OperatorError(f"{key}: {url} has the price {shown}", _FORMAT_CHANGED)
    before = products.get(cells["sku"], _Product(cells["unit"], ()))
    products[cells["sku"]] = _Product(cells["unit"], tuple(sorted({*before.tiers, (start, usd)})))


def _tiers(
    key: str, row: PriceListRow, products: Mapping[str, _Product], url: str
) -> tuple[tuple[Tier, ...], float | None]:
    """Return the tiers of the one price that the products have, and the free units before them.

    Raises `OperatorError` where the products' prices differ, or count something else.
    """
    if len(set(products.values())) > 1:
        shown = " and ".join(f"{sku} ${each.tiers[0][1]} a {each.unit}" for sku, each in sorted(products.items())[:2])
        raise OperatorError(
            f"{key}: {len(products)} products of {url} have the usage type {row.usage_type}, {shown}",
            "Tell them apart by `columns` in operations/cost/prices/keys.py",
        )
    product = next(iter(products.values()))
    if row.unit and product.unit.lower() != row.unit.lower():
        raise OperatorError(
            f"{key}: {url} has the unit {product.unit!r} instead of {row.unit!r}",
            "Compare both, and correct unit and scale in operations/cost/prices/keys.py",
        )
    scale = Decimal(str(row.scale))
    tiers = [Tier(float(start / scale), float(usd * scale)) for start, usd in product.tiers]
    starts = [each.start for each in tiers]
    if starts[0] != 0 or len(set(starts)) != len(starts):
        raise OperatorError(f"{key}: {url} has tiers from {', '.join(f'{each:g}' for each in starts)}", _FORMAT_CHANGED)
    if len(tiers) > 1 and tiers[0].usd == 0:  # the account's allowance, which is none of ours
        return (Tier(0.0, tiers[1].usd), *tiers[2:]), tiers[1].start
    return tuple(tiers), None


def _cells(line: bytes) -> list[str]:
    """Return the cells, none of a line that is no row."""
    try:
        return next(csv.reader([line.decode("utf-8", "replace")], strict=True), [])
    except csv.Error:
        return []
