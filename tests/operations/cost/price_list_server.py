"""AWS's price list on 127.0.0.1: files of the form of the bulk API's ("Reading the price list files", AWS Billing)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from flask import Flask, Response

from operations.cost.prices import prices
from operations.cost.prices.keys import KEYS, PriceListRow

PUBLISHED: Final = "2026-11-24"
VERSION: Final = "20261124101500"
COLUMNS: Final = (
    *("SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "EffectiveDate"),
    *("StartingRange", "EndingRange", "Unit", "PricePerUnit", "Currency", "serviceCode", "Location", "Location Type"),
    *("From Region Code", "Group", "Transfer Type", "usageType", "operation", "Region Code", "serviceName"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file, with the columns that tell products apart."""

    sku: str
    usage_type: str
    unit: str
    usd: str
    start: str = "0"
    operation: str = ""
    transfer_type: str = ""
    term_type: str = "OnDemand"
    currency: str = "USD"
    region: str = "us-east-1"

    def cells(self) -> list[str]:
        values = {
            "SKU": self.sku,
            "OfferTermCode": "JRTCKXETXF",
            "RateCode": f"{self.sku}.JRTCKXETXF.6YS6EN2CT7",
            "TermType": self.term_type,
            "PriceDescription": f'${self.usd} per "{self.unit}", of\tmany',
            "EffectiveDate": "2026-11-01",
            "StartingRange": self.start,
            "EndingRange": "Inf",
            "Unit": self.unit,
            "PricePerUnit": self.usd,
            "Currency": self.currency,
            "Location": "US East (N. Virginia)",
            "Location Type": "AWS Region",
            "Transfer Type": self.transfer_type,
            "usageType": self.usage_type,
            "operation": self.operation,
            "From Region Code" if self.transfer_type else "Region Code": self.region,
            "serviceName": "Amazon Web Services",
        }
        return [values.get(name, "") for name in COLUMNS]


@dataclass
class PriceList:
    """The files by offer. Those of another region than `region` do not exist."""

    region: str = "us-east-1"
    rows: dict[str, list[Row]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Instead of rows."""
    missing_bytes: int = 0
    """That the length of a file's answer promises in vain."""
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def text(self, offer: str) -> str:
        if offer in self.texts:
            return self.texts[offer]
        about = [
            ["FormatVersion", "v1.0"],
            ["Disclaimer", "This pricing list is for informational purposes only."],
            ["Publication Date", f"{PUBLISHED}T10:15:00Z"],
            ["Version", VERSION],
            ["OfferCode", offer],
            COLUMNS,
        ]
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
            [*about, *(row.cells() for row in self.rows.get(offer, []))]
        )
        return written.getvalue()

    def app(self) -> Flask:
        app = Flask("price-list")
        app.get("/offers/v1.0/aws/<offer>/current/<region>/index.csv")(self._file)
        return app

    def _file(self, offer: str, region: str) -> Response:
        self.asked.append(offer)
        if region != self.region:
            return Response("NoSuchKey", status=404)
        if self.status != 200:
            return Response("no", status=self.status)
        body = self.text(offer).encode()
        return Response(_pieces(body), headers={"Content-Length": str(len(body) + self.missing_bytes)})


def _pieces(body: bytes) -> Iterator[bytes]:
    """Yield pieces whose ends are within lines and characters."""
    yield from (body[start : start + 997] for start in range(0, len(body), 997))


def rows_of(row: PriceListRow, tiers: Sequence[prices.Tier], prefix: str = "USE1-") -> list[Row]:
    """Return the rows that state a price, in the list's own units."""
    known = Row(
        sku=f"SKU{abs(hash((row.offer, row.usage_type))):016d}"[:16],
        usage_type=f"{prefix}{row.usage_type}",
        unit=row.unit or "Units",
        usd="",
        operation=row.columns.get("operation", ""),
        transfer_type=row.columns.get("transfertype", ""),
    )
    return [replace(known, start=f"{each.start * row.scale:.0f}", usd=f"{each.usd / row.scale:.12f}") for each in tiers]


def list_of(shipped: prices.Prices, prefix: str = "USE1-") -> PriceList:
    """Return a list that states the prices of a file, with rows that are none of them."""
    found = PriceList(shipped.region)
    for key, price in shipped.by_key.items():
        row = KEYS[key].row
        if row:
            rows = rows_of(row, price.tiers, prefix)
            other = replace(rows[0], sku="OTHER00000000000", usd="777.0")
            found.rows.setdefault(row.offer, []).extend(
                [
                    *rows,
                    replace(other, usage_type=f"TS-{row.usage_type}"),
                    replace(other, usage_type=f"{row.usage_type}-Reserved"),
                    replace(other, usage_type=f"Global-{row.usage_type}"),
                    replace(other, term_type="Reserved"),
                    replace(other, region="us-east-1-bos-1"),
                ]
            )
    return found
