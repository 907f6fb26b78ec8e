"""`make synth COST=1` fails where an environment costs more than its limit."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from infra.cost_limit import CostLimit
from infra.environments import DEV, ENVIRONMENTS, PROD
from operations.cost.__main__ import main

ROOT = Path(__file__).parents[3]
Assembly = Callable[[str], Path]


def check(assembly: Path, limit: CostLimit | None, *options: str) -> int:
    with patch.dict(ENVIRONMENTS, prod=replace(PROD, cost_limit=limit)):
        return main(["--environment", "prod", "--assembly", str(assembly), "--limit", *options], environ={})


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_dev_and_prod_are_within_their_limits(
    environment: str, assembly: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--environment", environment, "--assembly", str(assembly(environment)), "--limit"], environ={}) == 0
    [line] = capsys.readouterr().out.splitlines()
    limit = ENVIRONMENTS[environment].cost_limit
    assert limit is not None
    assert f"within its limit of ${limit.monthly:,}.00" in line
    assert f"at {limit.requests:g} request" in line


def test_a_cost_over_the_limit_names_the_three_largest_items_and_what_to_change(
    assembly: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(assembly("prod"), CostLimit(monthly=100, requests=0)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: prod costs $")
    assert "over its limit of $100.00" in captured.err
    items = [line for line in captured.err.splitlines() if line.startswith("- ")]
    names = [each.removeprefix("- ").partition(",")[0] for each in items]
    assert names == ["NAT gateway hours", "Fargate vCPU", "Load balancer hours"]
    assert captured.err.count("What lowers it: ") == 3
    assert "infra/environments.py" in captured.err


def test_the_limit_is_for_its_own_traffic(assembly: Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    limit = CostLimit(monthly=200, requests=0)
    assert check(assembly("prod"), limit) == 0
    assert check(assembly("prod"), replace(limit, requests=200)) == 1
    assert "at 0 requests a second" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["requests", "hours", "sampling", "failed"])
def test_the_limit_takes_no_other_traffic(option: str, assembly: Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(assembly("prod"), CostLimit(monthly=9000, requests=0), f"--{option}", "1") == 2
    assert f"{option.upper()}='1' does not apply to the cost limit" in capsys.readouterr().err


def test_the_limit_takes_the_figures_of_an_application_of_ones_own(assembly: Assembly) -> None:
    limit = CostLimit(monthly=400, requests=50)
    assert check(assembly("prod"), limit) == 0
    assert check(assembly("prod"), limit, "--requests-per-vcpu", "10", "--response-bytes", "50000") == 1


def test_an_environment_without_a_limit_says_so(assembly: Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(assembly("prod"), None) == 0
    assert "no cost_limit" in capsys.readouterr().out


@pytest.mark.parametrize(("monthly", "requests"), [(0, 1), (-5, 1), (10, -1), (10, float("nan")), (10, float("inf"))])
def test_a_limit_that_no_month_has_is_refused(monthly: int, requests: float) -> None:
    with pytest.raises(ValueError, match="write"):
        CostLimit(monthly=monthly, requests=requests)


def test_dev_and_prod_have_a_limit() -> None:
    assert DEV.cost_limit
    assert PROD.cost_limit


def test_synth_checks_the_limit_only_where_it_is_asked_to() -> None:
    def commands(*variables: str) -> str:
        command = ["make", "--dry-run", "--old-file=.venv/ready", "synth", "ENV=prod", *variables]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout

    assert "operations.cost" not in commands()
    assert "operations.cost --environment prod --assembly cdk.out --limit" in commands("COST=1")


def test_ci_checks_the_limits() -> None:
    for file in (".ci/run", ".github/workflows/ci.yml"):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert "synth ENV=prod VALIDATE=1 COST=1" in text
        assert "synth ENV=dev COST=1" in text
