"""What a chart consists of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

_MARGIN = 0.05
"""Of an axis, beyond the greatest value."""
Formatter = Callable[[float], str]
Style = Literal["line", "dashed", "steps", "dashed-steps"]


def number(value: float) -> str:
    """Return a short number: 0.5, 100, 1k, 2.5M."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def usd(value: float) -> str:
    """Return short US dollars: $10, $2.5k."""
    return f"-${number(-value)}" if value < 0 else f"${number(value)}"


@dataclass(frozen=True, slots=True)
class Series:
    """A line, with its label at its end. Steps hold each value until the next x."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    style: Style = "line"


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line with a text, such as a break-even."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line with a text at its end, such as a quota."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded interval of x, with a text above it."""

    start: float
    end: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """How the values of one direction are shown."""

    label: str
    log: bool = False
    format: Formatter = number
    every: float | None = None
    """Between two ticks, as 4 hours; None chooses. A logarithmic axis has one at each decade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot. Those of a chart share its x."""

    y: Axis
    series: Sequence[Series]
    """Four at most: a fifth would have the colour of the first."""
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    bands: Sequence[Band] = ()

    @property
    def labels(self) -> Sequence[str]:
        """The texts at the ends of the lines."""
        return [each.label for each in self.series] + [each.text for each in self.levels]

    @property
    def xs(self) -> tuple[float, float]:
        """The least and the greatest x."""
        values = [x for each in self.series for x in each.xs]
        return min(values), max(values)

    @property
    def ys(self) -> tuple[float, float]:
        """The ends of the y axis: it begins at 0 or, of a logarithmic one, at a power of ten."""
        values = [y for each in self.series for y in each.ys] + [each.y for each in self.levels]
        low, high = min(values), max(values)
        if self.y.log:
            bottom = 10.0 ** math.floor(math.log10(low))
            return bottom, max(high * (high / bottom) ** _MARGIN, 2 * bottom)
        margin = (high - min(low, 0.0)) * _MARGIN or 1.0
        return 0.0 if low >= 0 else low - margin, high + margin


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one background."""

    name: str
    text: str
    muted: str
    grid: str
    band: str
    series: tuple[str, ...]
    """Texts too: each stands out from the background, and from the others with each kind of colour blindness."""


LIGHT = Theme("light", "#1f2328", "#59636e", "#d1d9e0", "#eaeef2", ("#1068e8", "#956f15", "#165032", "#741090"))
DARK = Theme("dark", "#e6edf3", "#9198a1", "#3d444d", "#21262d", ("#a4e0fa", "#f4d484", "#48b169", "#d484f4"))
