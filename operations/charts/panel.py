"""Draw one panel of a chart with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from operations.charts.labels import ROW, Note, notes, spread, wrap
from operations.charts.parts import Axis, Band, Panel, Style, Theme

if TYPE_CHECKING:
    from matplotlib import axes

EDGE: Final = 8
"""Pixels between the image's edge and its texts."""
_SOLID, _DASHED, _FINE = "-", (0, (6, 3)), (0, (3, 3))
_STYLES: Final[dict[Style, tuple[Any, str]]] = {
    "line": (_SOLID, "default"),
    "dashed": (_DASHED, "default"),
    "steps": (_SOLID, "steps-post"),
    "dashed-steps": (_DASHED, "steps-post"),
}
_LABEL_CHARACTERS: Final = 18
_FEW_DECADES: Final = 1.7
"""With fewer, ticks at 2 and 5 are needed too."""


def label(text: str) -> str:
    """Return a label in lines that fit beside the plot."""
    return wrap(text, _LABEL_CHARACTERS)


def ticks(axis: Axis, low: float, high: float) -> list[float]:
    """Return where an axis between `low` and `high` has its ticks."""
    # Here, as importing it takes a second.
    from matplotlib import ticker  # noqa: PLC0415

    locator: ticker.Locator = ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    if axis.log:
        steps = (1.0,) if math.log10(high / low) > _FEW_DECADES else (1.0, 2.0, 5.0)
        locator = ticker.LogLocator(subs=steps, numticks=99)
    elif axis.every:
        locator = ticker.MultipleLocator(axis.every)
    rounding = (high - low) * 1e-9
    return [float(each) for each in locator.tick_values(low, high) if low - rounding <= each <= high + rounding]


def notes_above(panel: Panel, x: Axis, left: float, width: float) -> list[Note]:
    """Return the texts of marks and bands, above a plot of `width` pixels that begins at `left`."""
    texts = [(each.x, each.text) for each in panel.marks]
    texts += [(_middle(each, log=x.log), each.text) for each in panel.bands if each.text]
    return notes([(width * _share(value, *panel.xs, log=x.log), text) for value, text in texts], -left, width)


def draw(plot: axes.Axes, panel: Panel, x: Axis, above: Sequence[Note], theme: Theme) -> None:
    """Draw lines, ticks and texts."""
    for band in panel.bands:
        plot.axvspan(band.start, band.end, color=theme.band, linewidth=0)
    for mark in panel.marks:
        plot.axvline(mark.x, color=theme.muted, linewidth=1.2, linestyle=_FINE)
    for level in panel.levels:
        plot.axhline(level.y, color=theme.muted, linewidth=1.2, linestyle=_FINE)
    for series, colour in zip(panel.series, cycle(theme.series), strict=False):
        linestyle, drawstyle = _STYLES[series.style]
        plot.plot(series.xs, series.ys, color=colour, linestyle=linestyle, drawstyle=drawstyle)
    plot.set(xscale="log" if x.log else "linear", yscale="log" if panel.y.log else "linear")
    plot.set(xlim=panel.xs, ylim=panel.ys)
    for plot_axis, axis, limits in ((plot.xaxis, x, panel.xs), (plot.yaxis, panel.y, panel.ys)):
        values = ticks(axis, *limits)
        plot_axis.set_ticks(values, [axis.format(each) for each in values])
        plot_axis.set_ticks([], minor=True)
    _write_notes(plot, panel, above, theme)
    _write_labels(plot, panel, theme)


def _write_labels(plot: axes.Axes, panel: Panel, theme: Theme) -> None:
    """Write each label beside the end of its line, moved where it would cover another one."""
    box = plot.get_window_extent()
    ends = [(each.label, each.xs[-1], each.ys[-1], colour) for each, colour in zip(panel.series, cycle(theme.series))]
    ends += [(each.text, panel.xs[1], each.y, theme.muted) for each in panel.levels]
    texts = [label(text) for text, *_ in ends]
    middles = [plot.transData.transform((x, y))[1] - box.y0 for _, x, y, _ in ends]
    heights = [ROW * len(each.splitlines()) for each in texts]
    for middle, text, (*_, colour) in zip(spread(middles, heights, box.height), texts, ends, strict=True):
        _write(plot, text, (box.width + EDGE, middle), colour)


def _write_notes(plot: axes.Axes, panel: Panel, above: Sequence[Note], theme: Theme) -> None:
    box = plot.get_window_extent()
    height = box.height + ROW / 2
    for note in above:
        _write(plot, note.text, (note.middle, height + note.row * ROW), theme.muted, "center")
    rows = max((each.row + 1 for each in above), default=0)
    _write(plot, panel.y.label, (EDGE - box.x0, height + rows * ROW), theme.muted)


def _write(plot: axes.Axes, text: str, position: tuple[float, float], color: str, ha: str = "left") -> None:
    """Write a text at a position in pixels from the plot's lower left corner, its middle at that height."""
    box = plot.get_window_extent()
    fractions = (position[0] / box.width, position[1] / box.height)
    plot.annotate(
        text, fractions, xycoords="axes fraction", annotation_clip=False, color=color, ha=ha, va="center_baseline"
    )


def _middle(band: Band, *, log: bool) -> float:
    return math.sqrt(band.start * band.end) if log else (band.start + band.end) / 2


def _share(x: float, low: float, high: float, *, log: bool) -> float:
    return math.log(x / low) / math.log(high / low) if log else (x - low) / (high - low)
