"""Draw where limits are reached, and how tasks follow a load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from operations.charts import Axis, Band, Chart, Level, Panel, Series, number
from operations.charts.parts import Style
from operations.scale.analysis import ScalingAnalysis
from operations.scale.headroom import DECADES, Row
from operations.scale.limits import Limit
from operations.scale.load import Load
from operations.scale.simulation import Fleet, Run
from operations.scale.variants import CURRENT, Comparison

_POINTS_A_DECADE: Final = 12
_LINE_STYLES: Final[Sequence[Style]] = ("line", "line", "dashed", "dashed")
"""Of the limits that are drawn: of two that are nearly the same both are seen."""
_LEAST: Final = 1e-3
"""Of a limit, the least that is drawn."""
_HOUR: Final = 60.0
_SHORT: Final = 3
"""Hours up to which the time is shown in minutes."""
_LONG: Final = 12
_TICKS: Final = 4.0
"""Hours between two ticks from so many hours on."""
_BREAK: Final = 60
"""Seconds between two intervals that are drawn as one."""


def limits(analysis: ScalingAnalysis, rows: Sequence[Row]) -> Chart:
    """Return how much of the limits that are reached first is used from 1 to 100,000 requests a second."""
    steps = range(_POINTS_A_DECADE * (len(DECADES) - 1) + 1)
    loads = [analysis.load_at(10 ** (step / _POINTS_A_DECADE)) for step in steps]
    series = [_use(row.limit, loads, style) for row, style in zip(_first(rows), _LINE_STYLES, strict=False)]
    return Chart(
        title=f"Limits that {analysis.service.environment} reaches first",
        x=Axis("requests a second", log=True),
        panels=[Panel(y=Axis("use of the limit", log=True, format=_times), series=series, levels=[Level(1.0, "")])],
        description=f"Use of {', '.join(each.label for each in series)} from 1 to 100,000 requests a second.",
    )


def _first(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows that are reached first; of those that are reached at one load, which would be one line, one."""
    by_load: dict[float, Row] = {}
    for row in rows:
        if row.reached_at is not None:
            by_load.setdefault(row.reached_at, row)
    return list(by_load.values())


def _use(limit: Limit, loads: Sequence[Load], style: Style) -> Series:
    points = [(load.requests, limit.utilization(load)) for load in loads]
    xs, ys = zip(*((requests, share) for requests, share in points if share >= _LEAST), strict=True)
    return Series(limit.name, xs, ys, style)


def following(comparison: Comparison, fleet: Fleet, title: str, window: slice) -> Chart:
    """Return the load as the tasks that can serve it, and the tasks that do: with the current settings and better ones.

    `window` are the minutes that are shown.
    """
    current, better = comparison.runs[CURRENT], comparison.runs[comparison.best_for_the_price]
    minutes = range(1, len(current.tasks) + 1)[window]
    hours = len(minutes) > _SHORT * _HOUR
    xs = [minute / _HOUR if hours else float(minute) for minute in minutes]
    series = [
        Series("load, in full tasks", xs, [load / fleet.capacity for load in current.loads[window]]),
        Series("tasks, current settings", xs, _floats(current, window), "steps"),
    ]
    if better is not current:
        label = f"tasks, {comparison.best_for_the_price}"
        series.append(Series(label, xs, _floats(better, window), "dashed-steps"))
    return Chart(
        title=title,
        x=Axis("hours" if hours else "minutes", every=_TICKS if len(minutes) > _LONG * _HOUR else None),
        panels=[Panel(y=Axis("tasks"), series=series, bands=_overloads(current, xs, 3600 if hours else 60))],
        description=f"{title}: {min(current.tasks)} to {max(current.tasks)} tasks serve. They are overloaded for "
        f"{current.overloaded_seconds:,} seconds, which are shaded.",
    )


def _overloads(run: Run, xs: Sequence[float], seconds: int) -> list[Band]:
    """Return the intervals in which the tasks are overloaded; `seconds` is the unit of `xs`. The longest has a text."""
    intervals: list[tuple[int, int]] = []
    for second in run.overload:
        if intervals and second - intervals[-1][1] <= _BREAK:
            intervals[-1] = intervals[-1][0], second + 1
        else:
            intervals.append((second, second + 1))
    longest = max(intervals, key=lambda each: each[1] - each[0], default=None)
    clipped = [(each, max(each[0] / seconds, xs[0]), min(each[1] / seconds, xs[-1])) for each in intervals]
    return [Band(low, high, "overloaded" if each == longest else "") for each, low, high in clipped if low < high]


def _floats(run: Run, window: slice) -> list[float]:
    return [float(each) for each in run.tasks[window]]


def _times(share: float) -> str:
    if share > 1:
        return f"{number(share)}x the limit"
    return "the limit" if share == 1 else f"{100 * share:g} %"
