"""The Markdown tables of docs/scale.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from operations.cost.money import dollars
from operations.cost.units import HOUR_SECONDS
from operations.published import table
from operations.scale.analysis import ScalingAnalysis
from operations.scale.headroom import DECADES, Row, first_between
from operations.scale.limits import FORMULAS, Limit
from operations.scale.sentences import FAR, count, reached_at, share
from operations.scale.variants import CURRENT, Comparison


def limits(analysis: ScalingAnalysis, rows: Sequence[Row]) -> str:
    """Return the utilization of each limit at each load, of those that are reached below `FAR`."""
    tasks = ["**desired tasks**", *(f"{analysis.load_at(each).tasks:,.0f}" for each in DECADES), ""]
    cost = ["**US dollars a month**", *(dollars(analysis.monthly_usd(each)) for each in DECADES), ""]
    body = [
        [row.limit.name, *map(_marked, row.utilization), reached_at(row)]
        for row in rows
        if row.reached_at is not None and row.reached_at < FAR
    ]
    first = [first_between(rows, low, high) for low, high in pairwise((0.0, *DECADES))]
    names = ["**reached first up to here**", *("—" if row is None else row.limit.name for row in first), ""]
    header = ["requests/s", *map(count, DECADES), "limit reached at (requests/s)"]
    return table(header, [tasks, cost, *body, names], right=len(DECADES) + 1)


def _marked(utilization: float) -> str:
    return f"**{share(utilization)}**" if utilization > 1 else share(utilization)


def remedies(analysis: ScalingAnalysis, limits: Sequence[Limit]) -> str:
    """Return the value of each limit, whether it is adjustable, its remedy, and the source."""
    load = analysis.load_at(1)
    rows = [
        [
            limit.name,
            "" if FORMULAS[limit.key].setting else f"`{limit.key}`",
            f"{count(limit.value(load))} {limit.unit}, {limit.scope}",
            {True: "yes", False: "no", None: "not stated"}[limit.adjustable],
            limit.remedy,
            _link(limit),
        ]
        for limit in limits
        if limit.value is not None
    ]
    return table(["Limit", "`LIMITS` key", "Value", "Adjustable", "Remedy", "Source"], rows)


def unpublished(limits: Sequence[Limit]) -> str:
    """Return the limits without a published value, their remedies, and the nearest publication."""
    rows = [[limit.name, f"`{limit.key}`", limit.scope, limit.remedy, _link(limit)] for limit in limits]
    return table(["Limit", "`LIMITS` key", "Scope", "Remedy", "What is published"], rows)


def notes(limits: Sequence[Limit]) -> str:
    """Return the dates of the values, and the notes on some of them."""
    days = ", ".join(sorted({f"{limit.read_on:%Y-%m-%d}" for limit in limits}))
    quoted = ", ".join(limit.name for limit in limits if limit.quoted)
    return "\n".join(
        [
            f"- The values were read on {days}, in stored copies of these pages, which may be older. For these limits "
            f"only texts that quote the page were read: {quoted}. Look at the page, or at Service Quotas in your "
            "account, before you rely on one.",
            *(f"- {each.name}: {each.note}" for each in limits if each.note),
        ]
    )


def uses(analysis: ScalingAnalysis, limits: Sequence[Limit], at: Sequence[float]) -> str:
    """Return how the use of each limit is computed, and its amount at each load."""
    rows = [
        [limit.name, limit.formula, *(f"{count(limit.use(analysis.load_at(each)))} {limit.unit}" for each in at)]
        for limit in limits
    ]
    return table(["Limit", "Use", *(f"at {count(each)} requests/s" for each in at)], rows, right=len(at))


def runs(comparisons: Mapping[str, Sequence[Comparison]]) -> str:
    """Return the outcome of each load for each application, with the current settings."""
    rows = [[application, *run_cells(each)] for application, group in comparisons.items() for each in group]
    header = ["Application", "Load", "Peak (requests/s)", "Length", "Tasks"]
    return table([*header, *OUTCOME], rows, right=len(OUTCOME) + 3)


def variants(comparison: Comparison) -> str:
    """Return the outcome of one load with each variant."""
    rows = [[name, *outcome(comparison, name)] for name in comparison.runs]
    return table([f"Settings, for the {comparison.shape.name}", *OUTCOME], rows, right=len(OUTCOME))


OUTCOME: Final = ("Reaction", "Overloaded", "Longest wait", "Queued", "Rejected (503)", "Task-hours")


def outcome(comparison: Comparison, name: str) -> list[str]:
    """Return the cells of `OUTCOME` for one variant."""
    run = comparison.runs[name]
    return [
        "—" if run.reaction is None else f"{run.reaction} s",
        f"{run.overloaded_seconds:,} s",
        f"{run.longest_wait:.0f} s",
        count(round(run.queued_requests)),
        count(round(run.rejections)),
        f"{run.task_hours:.1f}",
    ]


def run_cells(comparison: Comparison) -> list[str]:
    """Return load, peak, length and tasks with the current settings, and the cells of `OUTCOME`."""
    shape, tasks = comparison.shape, comparison.runs[CURRENT].tasks
    return [
        shape.name,
        count(shape.peak),
        f"{shape.seconds / HOUR_SECONDS:.3g} h",
        f"{min(tasks)} to {max(tasks)}",
        *outcome(comparison, CURRENT),
    ]


def _link(limit: Limit) -> str:
    target = limit.source if limit.source.startswith("https://") else f"../{limit.source}"
    return f"[{limit.title}]({target})"
