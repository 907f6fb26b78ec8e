"""The parts' bench: each measurement gives plausible figures, and docs/architecture.md shows every one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.parts import report
from bench.parts.catalogue import PARTS, Part
from bench.parts.clock import Ports
from bench.parts.receiver import running_receiver
from bench.parts.rounds import Result, measure

PAGE = Path("docs/architecture.md")
FEW = 16


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    """Listen on this machine: the sides run in processes of their own."""
    with running_receiver() as ports:
        yield ports


@pytest.mark.enable_socket
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.module)
def test_a_part_and_the_stock_one_have_figures_in_a_plausible_range(part: Part, ports: Ports) -> None:
    results = measure(part, ports, rounds=1, repetitions=FEW)
    assert len(results) == len(part.figures) > 0
    for result in results:
        [(ours, stock)] = result.pairs
        assert 0 < ours < 1e6
        assert 0 < stock < 1e6


def test_every_measurement_belongs_to_one_part() -> None:
    modules = {path.stem for path in Path("bench/parts/measurements").glob("*.py")} - {"__init__"}
    assert sorted(part.module for part in PARTS) == sorted(modules)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.module)
def test_a_part_has_files_whose_lines_the_table_counts(part: Part) -> None:
    assert all(Path(path).exists() for path in part.paths)
    assert report.lines(part) > 0


def test_the_page_shows_every_figure_of_every_part() -> None:
    rows = re.findall(r"^\| ([^|]*) \|[^|]*\| ([^|]+) \|", _section("parts"), re.MULTILINE)[1:]
    assert [label for _, label in rows] == [figure.label for part in PARTS for figure in part.figures]
    assert [name.partition(":")[0] for name, _ in rows if name.strip()] == [part.name for part in PARTS]


def test_the_page_names_the_private_dependencies_of_every_part_and_when_it_can_be_deleted() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", _section("retirement"), re.MULTILINE)[1:]
    names, parts = [name for name, _, _ in rows], [part.name for part in PARTS]
    assert [name for name in names if name != "Instrumentations"] == parts  # those replace nothing: they load others


def test_a_ratio_is_of_one_round() -> None:
    result = Result(((1.0, 2.0), (30.0, 40.0), (5.0, 50.0)))
    assert result.ratios == [0.5, 0.75, 0.1]
    assert (result.ours, result.stock) == (5.0, 40.0)
    row = report.table({"Tracer and span": [result]}, rounds=3).splitlines()[-1]
    assert row.endswith("| 5 µs | 40 µs | 0.50 (0.10 to 0.75) |")


def test_publishing_replaces_the_table_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "architecture.md"
    page.write_text("before\n<!-- parts -->\nold\n<!-- /parts -->\nafter\n")
    monkeypatch.setattr(report, "PAGE", page)
    report.publish("new\n")
    assert page.read_text() == "before\n<!-- parts -->\n\nnew\n\n<!-- /parts -->\nafter\n"


def _section(name: str) -> str:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    return rest.partition(f"<!-- /{name} -->\n")[0]
