"""README.md, docs/cost.md and the picture are what the stacks cost: `make cost-docs` writes them anew."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from operations.charts.parts import DARK, LIGHT
from operations.cost.curve import Point, points
from operations.cost.documentation.options import OPTIONS
from operations.cost.documentation.pages import PAGE, PICTURE, README, Pages, pages
from operations.cost.documentation.transaction_search import TransactionSearch
from operations.published import section

CENTS = 0.06  # of rows that are rounded one by one


@pytest.fixture(scope="module")
def current() -> Pages:
    return pages()


def test_the_pages_are_what_the_stacks_cost(current: Pages) -> None:
    for page, name, text in current.sections():
        assert section(page, name).strip() == text, f"make cost-docs writes {page.name}"


def test_the_pictures_are_the_curve(current: Pages) -> None:
    for theme in (LIGHT, DARK):
        file = PAGE.parent / f"{PICTURE}-{theme.name}.svg"
        assert file.read_text(encoding="utf-8") == current.chart.svg(theme)


def test_the_readme_adds_up() -> None:
    table = section(README, "cost")
    for column in (2, 3):
        cells = [line.split("|")[column].strip() for line in table.splitlines() if line.startswith("| ")]
        amounts = [float(re.sub(r"[^\d.]", "", each) or 0) for each in cells if "$" in each and "<" not in each]
        [month] = [index for index, line in enumerate(amounts) if index and abs(line - sum(amounts[:index])) < CENTS]
        assert amounts[month:] == sorted(amounts[month:])


def test_the_curve_rises_and_sampling_never_costs_more(current: Pages) -> None:
    curve = points(current.pricings["prod"], 3)
    assert [each.requests for each in (curve[0], curve[-1])] == pytest.approx([1, 100_000])
    for before, after in pairwise(curve):
        assert before.sampled_usd < after.sampled_usd
        assert before.tasks <= after.tasks
    assert all(each.sampled_usd <= each.unsampled_usd + 1e-6 for each in curve)


def test_a_million_requests_of_a_point_have_all_of_the_month() -> None:
    assert Point(1, 1, 2.628, 0).million_requests_usd == pytest.approx(1.0)


def test_each_option_is_of_a_field_that_environments_have(current: Pages) -> None:
    for additions in current.additions.values():
        assert [each.option for each in additions] == list(OPTIONS)
    by_title = {each.option.title: each for each in current.additions["prod, 20 requests a second"]}
    assert by_title["NAT gateways, one for each of two zones"].is_chosen
    assert by_title["a KMS key of your own"].usd == pytest.approx(1.0, abs=0.01)
    assert by_title["ECS Exec"].usd == 0
    assert by_title["Graviton"].saving > 0


@pytest.mark.parametrize("insights", [False, True])
def test_the_break_even_is_where_both_ways_cost_the_same(current: Pages, insights: bool) -> None:  # noqa: FBT001
    search = TransactionSearch(current.prices, current.measured, insights)
    at_break_even = replace(search, measured=replace(search.measured, span=search.break_even_bytes))
    assert at_break_even.spans_usd == pytest.approx(search.trace_usd)
    large = replace(search, measured=replace(search.measured, span=search.break_even_bytes / 2))
    recorded = current.pricings["prod"].recorded
    requests = large.break_even_requests(recorded)
    assert requests * large.spans_usd == pytest.approx(recorded(requests) * large.trace_usd)
    reservoir, rate = 5, 0.1
    by_hand = reservoir * (1 - rate) * large.trace_usd / (large.spans_usd - rate * large.trace_usd)
    assert requests == pytest.approx(by_hand)


def test_a_way_that_is_always_cheaper_has_no_break_even(current: Pages) -> None:
    search = TransactionSearch(current.prices, current.measured, insights=False)
    assert search.break_even_requests(lambda requests: requests) == math.inf
    assert search.break_even_requests(lambda _: 0.0) == 0


def test_the_page_names_each_variable_and_each_field_of_the_document() -> None:
    text = PAGE.read_text(encoding="utf-8")
    makefile = (Path(README.parent) / "Makefile").read_text(encoding="utf-8")
    for variable in (
        "REQUESTS",
        "SAMPLING",
        "FAILED",
        "REQUESTS_PER_VCPU",
        "HOURS",
        "REGION",
        "PRICES",
        "ASSEMBLY",
        "FREE=1",
        "JSON=1",
    ):
        assert f"| `{variable}` |" in text
        assert variable.partition("=")[0] in makefile
