"""Draw a chart as SVG, by matplotlib."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from operations.charts.labels import ROW, SIZE, width, wrap
from operations.charts.panel import EDGE, draw, label, notes_above, ticks
from operations.charts.parts import DARK, LIGHT, Axis, Panel, Theme

WIDTH: Final = 640
"""Pixels. Texts are large for it, so that they can be read where a page of 375 pixels shrinks the chart."""
_PLOT_HEIGHT: Final = 210
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 56, 12, 14, 22, 52
"""Margins in pixels: `_GAP` lies between two panels, `_LEFT` is the least."""
_TITLE_SIZE, _TITLE_CHARACTERS = 17.0, 62
_DPI: Final = 72
"""Of matplotlib's SVG: a point is a pixel."""
_FONT: Final = re.compile(r"font-family: [^;\"]*")
_HEAD: Final = re.compile(r".*?<svg [^>]*>\n", re.DOTALL)
"""The XML declaration, the document type and the element's start, with sizes in points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Panels above one another: two units need two of them, and never a second axis."""

    title: str
    x: Axis
    panels: Sequence[Panel]
    description: str = ""
    """What the chart shows, for those who do not see it: the title where it is empty."""

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write `name`-light.svg and `name`-dark.svg and return their paths."""
        paths = folder / f"{name}-{LIGHT.name}.svg", folder / f"{name}-{DARK.name}.svg"
        for path, theme in zip(paths, (LIGHT, DARK), strict=True):
            path.write_text(self.svg(theme), encoding="utf-8")
        return paths

    def markdown(self, address: str) -> str:
        """Return what shows `address`-light.svg or `address`-dark.svg, by the theme of the page."""
        alternative = html.escape(self.description or self.title)
        return (
            f'<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="{address}-{DARK.name}.svg">\n'
            f'  <img alt="{alternative}" src="{address}-{LIGHT.name}.svg">\n</picture>'
        )

    def svg(self, theme: Theme) -> str:
        """Return the file's text."""
        # Here, as importing it takes a second.
        import matplotlib.style  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

        title = wrap(self.title, _TITLE_CHARACTERS)
        labels = [panel.y.format(each) for panel in self.panels for each in ticks(panel.y, *panel.ys)]
        left = max(_LEFT, EDGE + max(map(width, labels)))
        plot_width = WIDTH - left - _RIGHT - max(width(label(each)) for panel in self.panels for each in panel.labels)
        notes = [notes_above(panel, self.x, left, plot_width) for panel in self.panels]
        tops = [ROW * (1 + max((note.row + 1 for note in each), default=0)) for each in notes]
        heading = _TOP + ROW * len(title.splitlines())
        height = heading + sum(tops) + len(tops) * (_PLOT_HEIGHT + _GAP) - _GAP + _BOTTOM
        with matplotlib.style.context(["default", _parameters(theme)]):
            figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI)
            figure.text(EDGE / WIDTH, 1 - EDGE / height, title, size=_TITLE_SIZE, weight="bold", va="top")
            bottom = height - heading + _GAP
            for panel, above, top in zip(self.panels, notes, tops, strict=True):
                bottom -= _GAP + top + _PLOT_HEIGHT
                area = (left / WIDTH, bottom / height, plot_width / WIDTH, _PLOT_HEIGHT / height)
                plot = figure.add_axes(area)
                draw(plot, panel, self.x, above, theme)
                plot.tick_params(labelbottom=panel is self.panels[-1])
            plot.set_xlabel(self.x.label)
            file = io.StringIO()
            figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        return self._accessible(file.getvalue(), height)

    def _accessible(self, svg: str, height: float) -> str:
        """Return the drawing as an image with a name and a description ("SVG Accessibility API Mappings", W3C)."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{WIDTH}" '
            f'height="{height:g}" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="title description">\n'
            f' <title id="title">{html.escape(self.title)}</title>\n'
            f' <desc id="description">{html.escape(self.description or self.title)}</desc>\n'
        )
        drawing = _FONT.sub("font-family: system-ui, sans-serif", _HEAD.sub("", svg, count=1))
        return head + "".join(line.rstrip() + "\n" for line in drawing.splitlines())


def _parameters(theme: Theme) -> dict[str, Any]:
    return {
        "axes.axisbelow": True,
        "axes.edgecolor": theme.grid,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.labelcolor": theme.muted,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": "none",
        "font.size": SIZE,
        "grid.color": theme.grid,
        "lines.linewidth": 2.2,
        "savefig.facecolor": "none",
        "svg.fonttype": "none",
        "svg.hashsalt": "operations.charts",
        "text.color": theme.text,
        "text.parse_math": False,  # dollars are no formula
        "xtick.color": theme.muted,
        "xtick.major.pad": 7,
        "xtick.major.size": 0,
        "ytick.color": theme.muted,
        "ytick.major.size": 0,
    }
