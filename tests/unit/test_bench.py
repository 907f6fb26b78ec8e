"""The bench's arithmetic: ratios are to the bare app of the same round, and a table is put in its place alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bench.load import Load
from bench.outages.__main__ import Cell
from bench.outages.picture import draw
from bench.outages.report import failures, row
from bench.overhead import __main__ as overhead

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
    made = overhead.tables(rounds, ["bare", "ours, 100 %"])
    assert "| ours, 100 %: all four sinks, every request sampled | 200 µs | 1.70 (1.50 to 2.00) |" in made
    assert "| ours, 100 % | 200 µs | 1.70 (1.50 to 2.00) | +100.00 ms | +100.00 s CPU | 817 |" in made


def test_what_a_variant_does_not_count_is_not_taken_for_nothing() -> None:
    rounds = [{"bare": figures(1), "tutorial": figures(1) | {"dropped": math.nan}}]
    assert overhead.tables(rounds, ["bare", "tutorial"]).endswith("| not counted |\n")


def test_publishing_replaces_one_table_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    monkeypatch.setattr(overhead, "README", page)
    overhead.publish("figures", "new\n")
    assert page.read_text() == "before\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\nafter\n"


def load(p99: float = 2.0, **statuses: int) -> Load:
    given = statuses or {"200": 10}
    return Load(requests=10, statuses=given, paths={}, p50=1.0, p99=p99, longest=9.0, seconds=1.0)


def cell(**given: object) -> Cell:
    made = Cell("ours", "honeycomb", "refused", started=0.5, live=load(), failing=load(), after=load(), stopped=1.0)
    for name, value in {"recovered": True, "unaccounted": 0, "threads": 9, **given}.items():
        setattr(made, name, value)
    return made


def test_a_cell_that_is_as_it_must_be_holds() -> None:
    assert failures(cell(), []) == []
    assert row(cell()).endswith("| yes | 1.0 s | yes |\n")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"started": None}, "it did not start, or did not serve"),
        ({"started": 1.2}, "its start waits for a sink"),
        ({"failing": load(**{"200": 9, "503": 1})}, "answers change"),
        ({"failing": load(p99=7.0)}, "its p99 rises"),
        ({"threads": 40}, "it makes threads"),
        ({"growth": 80.0}, "it grows"),
        ({"unaccounted": 1}, "items are lost uncounted"),
        ({"recovered": False}, "it does not come back"),
        ({"stopped": 13.0}, "it is late to end"),
        ({"stopped": None}, "it is late to end"),
    ],
)
def test_a_cell_that_is_not_as_it_must_be_says_why(given: dict[str, object], said: str) -> None:
    fault_free = cell(fault="none", sink="all four")
    assert failures(cell(**given), [fault_free]) == [said]


def test_the_picture_has_a_field_for_each_cell() -> None:
    made = draw([cell(fault="none"), cell(), cell(sink="xray"), cell(kind="tutorial", sink="all four", started=None)])
    assert made.count("<rect") == 3
    assert "does not start" in made
