"""Check an estimate against the environment's cost limit."""

from __future__ import annotations

from typing import Final, TextIO

from infra.cost_limit import CostLimit
from operations.cost.money import dollars
from operations.cost.report.summary import Summary
from operations.cost.report.terminal import READABLE, wrapped
from operations.cost.report.text import item_text, requests_text

_SHOWN: Final = 3
"""Line items of an environment that costs too much."""


def check(summary: Summary, limit: CostLimit | None, out: TextIO, errors: TextIO) -> int:
    """Print whether the environment costs at most its limit, and return 1 if it does not."""
    estimate = summary.estimate
    if limit is None:
        out.write(f"{estimate.environment} has no cost_limit in infra/environments.py: any cost is accepted\n")
        return 0
    where = f"in {estimate.region} at {requests_text(limit.requests)}"
    cost = f"{estimate.environment} costs {dollars(estimate.usd)} a month {where}"
    if estimate.usd <= limit.monthly:
        out.write(f"{cost}, within its limit of {dollars(limit.monthly)}\n")
        return 0
    lines = wrapped(f"error: {cost}, over its limit of {dollars(limit.monthly)}. The largest items:", READABLE)
    for row in summary.items[:_SHOWN]:
        lines += wrapped(item_text(row, summary), READABLE, "- ")
    remedy = "Change these in infra/environments.py, or raise the cost_limit there. Every item: make cost"
    errors.write("\n".join([*lines, *wrapped(f"{remedy} ENV={estimate.environment}", READABLE), ""]))
    return 1
