"""Charts are the same bytes each time, and readable on both backgrounds and with a screen reader."""

from __future__ import annotations

import hashlib
import math
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from operations.charts import Axis, Band, Chart, Level, Mark, Panel, Series, number, usd
from operations.charts.labels import notes, spread, width
from operations.charts.parts import DARK, LIGHT, Theme

BACKGROUNDS = {LIGHT: "#ffffff", DARK: "#0d1117"}
Matrix = Sequence[Sequence[float]]
SVG = "{http://www.w3.org/2000/svg}"
REQUESTS = [10 ** (each / 20) for each in range(101)]
MAX_BYTES = 60_000
TEXT_CONTRAST = 4.5
"""Of text to its background (success criterion 1.4.3, WCAG 2.2)."""


def cost() -> Chart:
    return Chart(
        title="Cost of prod",
        x=Axis("requests a second", log=True),
        panels=[
            Panel(
                y=Axis("US dollars a month", log=True, format=usd),
                series=[
                    Series("every request sampled", REQUESTS, [70 + 20 * each for each in REQUESTS]),
                    Series("fixed costs", REQUESTS, [70 for _ in REQUESTS], "dashed"),
                ],
                marks=[Mark(12, "break-even: 12/s"), Mark(30, "most tasks: 30/s")],
            )
        ],
        description="It grows from $90 to $2,000,070.",
    )


X, Y = Axis("x"), Axis("y")


def one(series: Series, y: Axis = Y, x: Axis = X, levels: Sequence[Level] = ()) -> Chart:
    return Chart(title="t", x=x, panels=[Panel(y=y, series=[series], levels=levels)])


def share(value: float) -> str:
    return f"{value:%}"


def day() -> Chart:
    hours = [each / 60 for each in range(0, 1441)]
    load = [50 + 45 * math.sin(each) for each in hours]
    return Chart(
        title="A day",
        x=Axis("hour", every=4),
        panels=[
            Panel(y=Axis("requests a second"), series=[Series("load", hours, load)], bands=[Band(14, 15, "overload")]),
            Panel(y=Axis("tasks"), series=[Series("tasks", hours, [each // 20 for each in load], "steps")]),
        ],
    )


def texts(svg: str) -> list[str]:
    return [str(each.text) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own drawing


@pytest.mark.parametrize("chart", [cost(), day()], ids=["cost", "day"])
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_chart_is_well_formed_small_and_has_no_date(chart: Chart, theme: Theme) -> None:
    svg = chart.svg(theme)
    assert ElementTree.fromstring(svg).get("width") == "640"  # noqa: S314 - our own drawing
    assert len(svg) < MAX_BYTES
    assert not any(each in svg for each in ("metadata", "DOCTYPE", "http://www.w3.org/1999/02", "DejaVu"))


def test_two_processes_draw_the_same_bytes() -> None:
    script = (
        "import hashlib; from operations.charts.parts import DARK; from tests.operations.test_charts import cost, day;"
        "print(hashlib.sha256((cost().svg(DARK) + day().svg(DARK)).encode()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256((cost().svg(DARK) + day().svg(DARK)).encode()).hexdigest()


def test_the_themes_differ_in_colours_only() -> None:
    light, dark = cost().svg(LIGHT), cost().svg(DARK)
    for before, after in zip(
        (LIGHT.text, LIGHT.muted, LIGHT.grid, *LIGHT.series),
        (DARK.text, DARK.muted, DARK.grid, *DARK.series),
        strict=True,
    ):
        light = light.replace(before, after)
    assert light == dark


def test_logarithmic_axes_have_a_tick_for_each_decade_and_texts_are_text() -> None:
    labels = texts(cost().svg(LIGHT))
    assert [each for each in labels if each in {"1", "10", "100", "1k", "10k", "100k"}] == [
        *("1", "10", "100", "1k", "10k", "100k")
    ]
    assert [each for each in labels if each.startswith("$")] == ["$10", "$100", "$1k", "$10k", "$100k", "$1M"]
    assert {"Cost of prod", "requests a second", "US dollars a month", "break-even: 12/s", "fixed costs"} <= {*labels}


def test_less_than_two_decades_have_ticks_between_them() -> None:
    chart = one(Series("s", [10, 90], [20, 150]), Axis("y", log=True), Axis("x", log=True))
    assert texts(chart.svg(LIGHT))[:8] == ["10", "20", "50", "x", "10", "20", "50", "100"]


def test_panels_share_the_last_ones_x_axis() -> None:
    labels = texts(day().svg(LIGHT))
    end = labels.index("hour")
    assert labels[end - 7 : end] == ["0", "4", "8", "12", "16", "20", "24"]
    assert labels.count("hour") == 1


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_level_is_neither_a_series_nor_left_out_of_the_axis(theme: Theme) -> None:
    use = Series("use", [1, 100], [0.1, 0.4])
    svg = one(use, Axis("y", format=share), levels=[Level(1, "the quota")]).svg(theme)
    [level] = [each for each in svg.splitlines() if ">the quota<" in each]
    assert theme.muted in level
    assert "100.000000%" in texts(svg)


@pytest.mark.parametrize("high", [1e-4, 1, 1e9])
def test_the_longest_tick_fits_beside_the_plot(high: float) -> None:
    svg = one(Series("s", [1, 2], [high / 1e4, high]), Axis("y", log=True, format=share)).svg(LIGHT)
    ends = re.findall(r'text-anchor: end[^"]*" x="([\d.]+)"[^>]*>([^<]*)<', svg)
    assert len(ends) >= 4
    assert all(float(x) >= width(text) for x, text in ends)


def test_dashed_steps_are_steps() -> None:
    svg = one(Series("s", [0, 1, 2], [1, 2, 1], "dashed-steps")).svg(LIGHT)
    [path] = re.findall(rf'<path d="([^"]*)" [^>]*stroke-dasharray: [^>]*stroke: {LIGHT.series[0]}', svg)
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)]
    assert len(points) == 5
    assert all(before[0] == after[0] or before[1] == after[1] for before, after in pairwise(points))


@pytest.mark.parametrize("value", [1.0, 100.0, 3.0])
def test_a_value_that_never_changes_is_drawn(value: float) -> None:
    assert "0" in texts(one(Series("none", [0, 1], [0, 0])).svg(LIGHT))
    svg = one(Series("one", [0, 1], [value, value]), Axis("y", log=True)).svg(LIGHT)
    assert number(10 ** math.floor(math.log10(value))) in texts(svg)


def test_a_screen_reader_is_told_title_and_description() -> None:
    root = ElementTree.fromstring(cost().svg(LIGHT))  # noqa: S314 - our own drawing
    names = [root.findtext(f"{SVG}{each}") for each in ("title", "desc")]
    assert names == ["Cost of prod", "It grows from $90 to $2,000,070."]
    assert root.get("role") == "img"


def test_texts_are_never_markup_nor_formulas() -> None:
    hostile = "$x^2$ </svg><script>&\" '"
    panel = Panel(y=Axis(hostile), series=[Series(hostile, [0, 1], [1, 2])], marks=[Mark(0.5, hostile)])
    chart = Chart(title=hostile, x=Axis(hostile), panels=[panel], description=hostile)
    root = ElementTree.fromstring(chart.svg(LIGHT))  # noqa: S314 - our own drawing
    assert root.findtext(f"{SVG}title") == root.findtext(f"{SVG}desc") == hostile
    assert root.find(f".//{SVG}script") is None
    assert "<script>" not in chart.markdown("docs/x")


def test_the_page_shows_the_file_of_its_theme(tmp_path: Path) -> None:
    assert cost().write(tmp_path, "cost") == (tmp_path / "cost-light.svg", tmp_path / "cost-dark.svg")
    assert (tmp_path / "cost-dark.svg").read_text(encoding="utf-8") == cost().svg(DARK)
    assert cost().markdown("docs/cost") == (
        '<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="docs/cost-dark.svg">\n'
        '  <img alt="It grows from $90 to $2,000,070." src="docs/cost-light.svg">\n</picture>'
    )


def test_drawing_changes_no_parameter_of_matplotlib_and_heeds_none() -> None:
    before, svg = dict(mpl.rcParams), cost().svg(LIGHT)
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"lines.linewidth": 9, "svg.fonttype": "path", "font.family": ["serif"]}):
        assert cost().svg(LIGHT) == svg


@pytest.mark.parametrize("seed", range(50))
def test_labels_never_cover_one_another(seed: int) -> None:
    draw = random.Random(seed)
    heights = [draw.choice([20.0, 40.0]) for _ in range(draw.randint(1, 5))]
    ends = [draw.uniform(0, 210) for _ in heights]
    boxes = sorted(
        (middle - height / 2, middle + height / 2)
        for middle, height in zip(spread(ends, heights, 210), heights, strict=True)
    )
    assert all(below[1] <= above[0] + 1e-9 for below, above in pairwise(boxes))
    assert boxes[0][0] >= -20
    assert spread([10, 100], [20, 20], 210) == [10, 100]


@pytest.mark.parametrize("seed", range(50))
def test_notes_never_cover_one_another(seed: int) -> None:
    draw = random.Random(seed)
    above = notes([(draw.uniform(0, 400), "n" * draw.randint(1, 30)) for _ in range(6)], -56, 400)
    boxes = [(each.row, each.middle - width(each.text) / 2, each.middle + width(each.text) / 2) for each in above]
    assert all(right[0] != left[0] or right[1] >= left[2] - 1e-9 for left, right in pairwise(sorted(boxes)))
    assert min(left for _, left, _ in boxes) >= -56
    assert max(right for _, _, right in boxes) <= 400 + 1e-9


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_each_text_stands_out_from_its_background(theme: Theme) -> None:
    ratios = {each: contrast(each, BACKGROUNDS[theme]) for each in (theme.text, theme.muted, *theme.series)}
    assert {each: ratio for each, ratio in ratios.items() if ratio < TEXT_CONTRAST} == {}


VISIONS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Of linear RGB ("A Physiologically-based Model for Simulation of Color Vision Deficiency", Machado et al., 2009)."""
DISTINCT = 0.12
"""A distance in OKLab (Ottosson, 2020), in which black and white are 1 apart."""


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_colours_are_distinct_with_each_kind_of_colour_blindness(theme: Theme, vision: str) -> None:
    colours = {each: oklab(VISIONS[vision], each) for each in theme.series}
    distances = {(one, other): math.dist(colours[one], colours[other]) for one, other in combinations(colours, 2)}
    assert {pair: distance for pair, distance in distances.items() if distance < DISTINCT} == {}


def oklab(vision: Matrix, colour: str) -> list[float]:
    red, green, blue = (min(max(each, 0.0), 1.0) for each in times(vision, linear(colour)))
    cones = times(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        (red, green, blue),
    )
    return times(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        [each ** (1 / 3) for each in cones],
    )


def times(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(colour: str) -> list[float]:
    channels = [int(colour[each : each + 2], 16) / 255 for each in (1, 3, 5)]
    return [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        (number, {0: "0", 0.25: "0.25", 999: "999", 1_000: "1k", 2_500: "2.5k", 3e6: "3M", 1e9: "1G"}),
        (usd, {10: "$10", 100_000: "$100k", -20: "-$20"}),
    ],
)
def test_numbers_are_short(form: object, values: dict[float, str]) -> None:
    assert callable(form)
    assert {value: form(value) for value in values} == values
