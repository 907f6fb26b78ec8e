"""Draw line charts as SVG, one file for light and one for dark backgrounds.

The same values give the same bytes. Text stays text, in the reader's own font.
"""

from operations.charts.chart import Chart
from operations.charts.parts import Axis, Band, Level, Mark, Panel, Series, number, usd

__all__ = ["Axis", "Band", "Chart", "Level", "Mark", "Panel", "Series", "number", "usd"]
