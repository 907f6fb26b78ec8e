"""Write a price file: the one form that all have, so that a renewal changes the lines of what changed only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from operations.cost.prices.keys import KEYS
from operations.cost.prices.prices import Price, Prices

HEADER: Final = """\
# List prices of {region} in US dollars, without taxes. `source` is the document that was read on the day `read`, and
# `list` what it quotes of AWS, published on the day `stated`. `second_source` states the same, `conflict` what another
# one states instead. `free` is what an account has free each month, in the price's unit. make prices shows the ages,
# and renews the file.
"""


def render(prices: Prices) -> str:
    """Return the text of a region's file, its prices in the order of `KEYS`."""
    tables = ("\n".join(_lines(prices.by_key[key])) for key in KEYS if key in prices.by_key)
    return f"{HEADER.format(region=prices.region)}\n" + "\n\n".join(tables) + "\n"


def write(path: Path, prices: Prices) -> None:
    """Replace the file as a whole: whoever reads it meanwhile has the old one."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}-", delete=False) as new:
        try:
            new.write(render(prices))
            new.close()
            os.chmod(new.name, 0o644)  # noqa: PTH101 - of the name that the temporary file has
            os.replace(new.name, path)  # noqa: PTH105 - as above
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise


def number(value: float) -> str:
    """Return the shortest text of a number that reads as the same, without an exponent."""
    text = f"{value:.12f}".rstrip("0").rstrip(".")
    return text if float(text) == value else repr(value)


def _lines(price: Price) -> Iterator[str]:
    yield f"[{price.key}]"
    if len(price.tiers) == 1:
        yield f"usd = {number(price.tiers[0].usd)}"
    else:
        yield f"tiers = [{', '.join(f'[{number(each.start)}, {number(each.usd)}]' for each in price.tiers)}]"
    yield f"unit = {_text(price.unit)}"
    if price.free:
        yield f"free = {number(price.free)}"
    yield f"source = {_text(price.source)}"
    if price.list_url:
        yield f"list = {_text(price.list_url)}"
    yield f"read = {price.read_on}"
    if price.stated_on:
        yield f"stated = {price.stated_on}"
    texts = (("second_source", price.second_source), ("conflict", price.conflict), ("note", price.note))
    yield from (f"{name} = {_text(value)}" for name, value in texts if value)


def _text(value: str) -> str:
    """Return a basic string of TOML, whose escapes are JSON's, and which has no raw DEL either."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
