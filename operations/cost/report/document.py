"""The estimate as a JSON document (docs/cost.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from operations.cost.arguments import Region
from operations.cost.line_items import LineItem
from operations.cost.prices.prices import Price
from operations.cost.report.hints import hint
from operations.cost.report.summary import Summary

_DECIMALS: Final = 6
Json = dict[str, Any]


def document(summary: Summary, *, region: Region, today: date) -> Json:
    """Return all of an estimate. Amounts are US dollars a month."""
    estimate, traffic = summary.estimate, summary.traffic
    used = summary.prices if summary.prices.by_key else None
    million, largest = summary.million_requests_usd, summary.largest
    return {
        "environment": estimate.environment,
        "region": {"name": region.name, "reason": region.reason},
        "traffic": {
            "requests_per_second": traffic.requests,
            "hours": traffic.hours,
            "sampled_share": traffic.sampled_share,
            "line_bytes": traffic.line_bytes,
            "failed_share": traffic.failed_share,
        },
        "usd": {
            "month": _usd(estimate.usd),
            "month_without_requests": _usd(summary.idle.usd),
            "million_requests": None if million is None else _usd(million),
        },
        "largest": largest
        and {"name": largest.name, "usd": _usd(largest.usd), "share": _usd(summary.share(largest.usd))}
        | {"what_lowers_it": hint(largest.items[0])},
        "items": [_item(each) for each in estimate.items],
        "free": [
            {"stack": each.stack, "resource": each.resource, "type": each.type, "reason": each.reason}
            for each in estimate.free
        ],
        "assumptions": list(estimate.assumptions),
        "unknown": list(estimate.unknown),
        "warnings": list(estimate.warnings),
        "prices": {
            "oldest": used and used.oldest.isoformat(),
            "newest": used and used.newest.isoformat(),
            "age_days": used and (today - used.oldest).days,
            "used": _used([each.price for each in estimate.items]),
        },
    }


def _item(item: LineItem) -> Json:
    return {
        "stack": item.stack,
        "resource": item.resource,
        "type": item.type,
        "name": item.name,
        "quantity": item.quantity,
        "unit": item.price.unit,
        "price": item.price.key,
        "usd": _usd(item.usd),
        "derivation": item.derivation,
        "by_traffic": item.by_traffic,
    }


def _used(prices: Sequence[Price]) -> Json:
    return {
        each.key: {
            "unit": each.unit,
            "tiers": [{"from": tier.start, "usd": tier.usd} for tier in each.tiers],
            "source": each.source,
            "read": each.read_on.isoformat(),
        }
        for each in prices
    }


def _usd(amount: float) -> float:
    return round(amount, _DECIMALS)
