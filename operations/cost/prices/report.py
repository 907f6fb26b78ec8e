"""Show the price files: how old they are, what they lack, and what other sources state.

With `--renew` a region's file is renewed from AWS's price list, which needs a network and no credentials. Tests replay
lists of its form; against the list itself it has not been run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from textwrap import wrap
from typing import Final

from operations.cost.arguments import region_of
from operations.cost.prices import file as price_file
from operations.cost.prices import prices
from operations.cost.prices.keys import KEYS
from operations.cost.prices.price_list import LIST
from operations.cost.prices.prices import UNRECORDED, Price, Prices
from operations.cost.prices.renewal import REFERENCE, Renewal, renew, tiers_text
from operations.errors import OperatorError, without_credentials
from operations.output import escape_unencodable, give_up_output

MAX_AGE_DAYS: Final = 180
"""AWS changes few prices in half a year."""
BAD_VALUE: Final = 2
_WIDTH: Final = 80
_NEVER_LISTED: Final = sorted(key for key, each in KEYS.items() if each.row is None)


def main(arguments: Sequence[str] | None = None, *, today: date | None = None) -> int:
    """Show or renew; return 2 where that is not possible."""
    escape_unencodable()
    parser = argparse.ArgumentParser(prog="python -m operations.cost.prices.report", description=__doc__)
    parser.add_argument("--region", help="the region whose file is shown or renewed; without it all have a line")
    parser.add_argument("--all", action="store_true", help="also show each price with its source")
    parser.add_argument("--renew", action="store_true", help="renew the region's file from AWS's price list")
    parser.add_argument("--list", default=LIST, help="URL of the price list")
    options = parser.parse_args(arguments)
    day = today or datetime.now(UTC).date()
    try:
        if options.renew:
            _renew(_renewable(options.region), day, options.list)
            return 0
        if options.region:
            _print(_details(prices.load(region_of(options.region, "", {}).name), day, each=options.all))
            return 0
        for region in prices.regions():
            shown = prices.load(region)
            _print([*_details(shown, day, each=True), ""] if options.all else [_summary(shown, day)])
    except OperatorError as error:
        sys.stderr.write(f"error: {without_credentials(error)}\n")
        return BAD_VALUE
    except OSError as error:
        return give_up_output(error, "the list of prices")
    return 0


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _summary(shown: Prices, today: date) -> str:
    """Return the line of a region's file."""
    count, old = len(shown.by_key), len(_old(shown, today))
    read = max(each.read_on for each in shown.by_key.values())
    return (
        f"{shown.region:14} {count} of {len(KEYS)} keys, read {read}, oldest {_age(shown.oldest, today)} days old"
        + (f", {old} over {MAX_AGE_DAYS}" if old else "")
    )


def _details(shown: Prices, today: date, *, each: bool) -> list[str]:
    """Return what a region's file lacks, and which prices are old, are in conflict, or have one source."""
    listed = [shown.by_key[key] for key in KEYS if key in shown.by_key]
    return [
        _summary(shown, today),
        *_keys("missing", [key for key in KEYS if key not in shown.by_key]),
        *_keys(f"stated more than {MAX_AGE_DAYS} days ago: renew", _old(shown, today)),
        *_keys("stated for no day", [price.key for price in listed if not price.stated_on]),
        *_keys("stated by one source", [price.key for price in listed if not price.second_source]),
        *_keys("read where no address was kept", [price.key for price in listed if price.source == UNRECORDED]),
        *(
            line
            for price in listed
            if price.conflict
            for line in _wrapped(f"  CONFLICT: {_price(price)}, {price.conflict}")
        ),
        *((line for price in listed for line in _lines(price)) if each else ()),
    ]


def _lines(price: Price) -> list[str]:
    free = f", {price_file.number(price.free)} free" if price.free else ""
    day = f"stated for {price.stated_on}, read {price.read_on}" if price.stated_on else f"read {price.read_on}"
    return [
        *_wrapped(f"  {_price(price)} per {price.unit}{free}, {day}"),
        *(f"    {address}" for address in (price.source, price.list_url, price.second_source) if address),
        *_wrapped(f"    {price.note}"),
    ]


def _keys(title: str, keys: Sequence[str]) -> list[str]:
    return _wrapped(f"  {title} ({len(keys)}): {', '.join(keys)}") if keys else []


def _price(price: Price) -> str:
    return f"{price.key}: {tiers_text(price.tiers)}"


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _old(shown: Prices, today: date) -> list[str]:
    return [key for key in KEYS if key in shown.by_key and _age(shown.by_key[key].as_of, today) > MAX_AGE_DAYS]


def _age(day: date, today: date) -> int:
    return (today - day).days


def _renewable(region: str | None) -> str:
    if not region:
        raise OperatorError("No region is given to renew", f"Give one: {prices.RENEWAL}{REFERENCE}")
    return region_of(region, "", {}).name


def _renew(region: str, today: date, base: str) -> None:
    """Renew the region's file, or write its first. Raises `OperatorError`, and then leaves the file as it is."""
    old = prices.load(region) if region in prices.regions() else Prices(region, {})
    renewal = renew(old, prices.load(REFERENCE), today, base)
    path = prices.FOLDER / f"{region}.toml"
    try:
        price_file.write(path, renewal.prices)
    except OSError as error:
        raise OperatorError(f"{path} cannot be written ({error.strerror})", "Make it writable") from error
    _print(_changes(renewal))


def _changes(renewal: Renewal) -> list[str]:
    kept = renewal.prices.by_key
    return [
        *(
            f"{key}: {f'{old} -> {new}' if old else f'new, {new}'} per {kept[key].unit}"
            for key, (old, new) in renewal.changed.items()
        ),
        *(
            f"{key}: not found in the list, kept as of {kept[key].as_of}"
            for key in renewal.kept
            if key not in _NEVER_LISTED
        ),
        f"aws/prices/{renewal.prices.region}.toml: {len(renewal.changed)} changed, {len(renewal.same)} the same, "
        f"{len(renewal.kept)} kept.",
    ]


if __name__ == "__main__":
    sys.exit(main())
