"""The benchmarks' reports: ratios are to the bare app of the same round, and publishing replaces only its table."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bench.load import Load
from bench.outages.cell import Cell
from bench.outages.picture import draw
from bench.outages.report import failures, row
from bench.overhead import report as overhead

KEYS = ("cpu_us", "raise_ms", "ready_s", "dropped")
SERVED = ("cpu_us", "rate", "p99", "lone_p50", "lone_p99", "ready_s", "memory_mib", "dropped")


def figures(value: float) -> dict[str, float]:
    return dict.fromkeys(KEYS, value) | {f"served_{key}": value for key in SERVED}


def test_a_ratio_is_to_the_bare_app_of_its_own_round() -> None:
    rounds = [
        {"bare": figures(100), "ours, 100 %": figures(200)},
        {"bare": figures(400), "ours, 100 %": figures(600)},
        {"bare": figures(10), "ours, 100 %": figures(17)},
    ]
    assert overhead.ratios(rounds, "ours, 100 %", "cpu_us") == [2.0, 1.5, 1.7]
    markdown = overhead.tables(rounds, ["bare", "ours, 100 %"])
    assert "| ours, 100 %: all four sinks, every request sampled | 200 µs | 1.70 (1.50 to 2.00) |" in markdown
    assert "| ours, 100 % | 200 µs | 1.70 (1.50 to 2.00) | +100.00 ms | +100.00 s CPU | 817 |" in markdown


def test_a_variant_without_a_count_of_dropped_items_shows_none() -> None:
    rounds = [{"bare": figures(1), "tutorial": figures(1) | {"dropped": math.nan}}]
    assert overhead.tables(rounds, ["bare", "tutorial"]).endswith("| not counted |\n")


def test_publishing_replaces_one_table_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    monkeypatch.setattr(overhead, "README", page)
    overhead.publish("figures", "new\n")
    assert page.read_text() == "before\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\nafter\n"


def load(p99: float = 2.0, **statuses: int) -> Load:
    return Load(requests=10, statuses=statuses or {"200": 10}, paths={}, p50=1.0, p99=p99, seconds=1.0)


def cell(**changes: object) -> Cell:
    result = Cell(
        "ours", "honeycomb", "refused", start_seconds=0.5, live=load(), failing=load(), after=load(), exit_seconds=1.0
    )
    for name, value in {"recovered": True, "unaccounted": 0, "threads": 9, **changes}.items():
        setattr(result, name, value)
    return result


def test_a_cell_that_meets_every_requirement_passes() -> None:
    assert failures(cell(), []) == []
    assert row(cell()).endswith("| yes | 1.0 s | yes |\n")


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"start_seconds": None}, "it did not start, or did not respond"),
        ({"start_seconds": 1.2}, "start-up waits for a sink"),
        ({"failing": load(**{"200": 9, "503": 1})}, "status codes change"),
        ({"failing": load(p99=7.0)}, "p99 rises"),
        ({"threads": 40}, "threads grow"),
        ({"growth": 80.0}, "memory grows"),
        ({"unaccounted": 1}, "items are lost without being counted"),
        ({"recovered": False}, "it does not recover"),
        ({"exit_seconds": 13.0}, "it exits late"),
        ({"exit_seconds": None}, "it exits late"),
    ],
)
def test_a_cell_that_fails_a_requirement_names_it(changes: dict[str, object], failure: str) -> None:
    fault_free = cell(fault="none", sink="all four")
    assert failures(cell(**changes), [fault_free]) == [failure]


def test_the_picture_has_a_rectangle_for_each_cell_with_a_fault() -> None:
    svg = draw(
        [cell(fault="none"), cell(), cell(sink="xray"), cell(kind="tutorial", sink="all four", start_seconds=None)]
    )
    assert svg.count("<rect") == 3
    assert "does not start" in svg
