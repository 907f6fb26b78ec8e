"""The parts' bench: each measurement gives plausible figures, and docs/architecture.md shows every one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.parts import report
from bench.parts.catalogue import MEASUREMENTS, PARTS, Measurement
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
@pytest.mark.parametrize("measurement", MEASUREMENTS.values(), ids=MEASUREMENTS)
def test_a_measurement_gives_figures_of_both_sides_in_a_plausible_range(measurement: Measurement, ports: Ports) -> None:
    result = measure(measurement, ports, rounds=1, repetitions=FEW)
    assert len(result.pairs) == 1
    assert 0 < result.ours < 1e6
    assert 0 < result.stock < 1e6


def test_every_measurement_belongs_to_one_part() -> None:
    modules = [each.module for part in PARTS for each in part.measurements]
    assert all(part.measurements for part in PARTS)
    assert sorted(modules) == sorted(MEASUREMENTS)
    files = {path.stem for path in Path("bench/parts/measurements").glob("*.py")} - {"__init__"}
    assert files == set(MEASUREMENTS)


def test_the_page_shows_every_measurement_of_every_part() -> None:
    shown = re.findall(r"^\| ([^|]*) \|[^|]*\| ([^|]+) \|", _section("parts"), re.MULTILINE)[2:]
    inputs = [each.input for part in PARTS for each in part.measurements]
    assert [measured for _, measured in shown] == inputs
    assert [part.partition(":")[0] for part, _ in shown if part.strip()] == [part.name for part in PARTS]


def test_the_page_says_of_every_part_what_it_leans_on_and_when_it_can_go() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", _section("retirement"), re.MULTILINE)[2:]
    assert [name for name, _, _ in rows] == [part.name for part in PARTS]


def test_a_ratio_is_of_one_round() -> None:
    result = Result(((1.0, 2.0), (30.0, 40.0), (5.0, 50.0)))
    assert result.ratios == [0.5, 0.75, 0.1]
    assert (result.ours, result.stock) == (5.0, 40.0)
    row = report.table({"span": result}, rounds=3).splitlines()[-1]
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
