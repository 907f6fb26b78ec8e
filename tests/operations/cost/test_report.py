"""`make cost` prints an estimate that fits a terminal, and all of it as one JSON document."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operations.cost.__main__ import main
from operations.cost.arguments import Region, region_of
from operations.cost.prices.keys import KEYS
from operations.cost.report.hints import HINTS

Assembly = Callable[[str], Path]
Capture = pytest.CaptureFixture[str]


def run(assembly: Path, capsys: Capture, *options: str, environment: str = "prod", **environ: str) -> str:
    arguments = ["--environment", environment, "--assembly", str(assembly), *options]
    assert main(arguments, environ=environ) == 0
    return capsys.readouterr().out


def document(assembly: Path, capsys: Capture, *options: str, environment: str = "prod") -> Any:  # noqa: ANN401 - JSON
    return json.loads(run(assembly, capsys, "--json", *options, environment=environment))


def test_a_piped_report_has_80_columns_and_no_colour_codes(assembly: Assembly, capsys: Capture) -> None:
    output = run(assembly("prod"), capsys, "--requests", "123.5", "--free")
    assert max(map(len, output.splitlines())) <= 80
    assert "\x1b" not in output
    assert "…" not in output


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_terminal_of_any_width_gets_the_sums(
    columns: int, assembly: Assembly, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    output = run(assembly("dev"), capsys, "--requests", "50", environment="dev")
    assert "\x1b[" in output
    assert re.search(r"A month without a request +\$\d", output)
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in output.splitlines()) <= max(80, min(columns, 110))


def test_both_tables_add_up_to_the_month(assembly: Assembly, capsys: Capture) -> None:
    output = run(assembly("prod"), capsys, "--requests", "50")
    first, second = (part.partition("\n\n")[0] for part in re.split(r"(?m)^(?:Resource|Line item) ", output)[1:])
    [month] = re.findall(r"A month at 50 requests a second +\$([\d,.]+)", output)
    for part in (first, second):
        amounts = [float(each.replace(",", "")) for each in re.findall(r"(?<!< )\$([\d,]+\.\d\d) +[<\d]", part)]
        assert sum(amounts) == pytest.approx(float(month.replace(",", "")), abs=0.15)


def test_the_document_and_the_report_agree(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("prod"), capsys, "--requests", "50")
    output = run(assembly("prod"), capsys, "--requests", "50")
    usd = content["usd"]
    for amount in (usd["month"], usd["month_without_requests"], usd["million_requests"], content["largest"]["usd"]):
        assert f"${amount:,.2f}" in output
    flat = " ".join(output.replace("- ", "").split())
    for sentence in (*content["assumptions"], *content["unknown"], *content["warnings"]):
        assert " ".join(sentence.replace("- ", "").split()) in flat
    assert f"{content['prices']['age_days']} day" in flat
    assert output == "\n".join(line.rstrip() for line in output.split("\n"))


def test_the_document_has_each_item_with_a_price_and_its_source(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("prod"), capsys, "--requests", "50")
    assert sum(each["usd"] for each in content["items"]) == pytest.approx(content["usd"]["month"], abs=1e-3)
    used = content["prices"]["used"]
    assert {each["price"] for each in content["items"]} == set(used)
    assert all(each["source"] and each["read"] for each in used.values())
    million = (content["usd"]["month"] - content["usd"]["month_without_requests"]) / (50 * 730 * 3600) * 1e6
    assert content["usd"]["million_requests"] == pytest.approx(million, abs=1e-5)


def test_every_resource_of_the_templates_is_an_item_or_free(assembly: Assembly, capsys: Capture) -> None:
    folder = assembly("prod")
    content = document(folder, capsys)
    resources = {
        (path.name.removesuffix(".template.json"), logical_id)
        for path in folder.glob("*.template.json")
        for logical_id in json.loads(path.read_text(encoding="utf-8"))["Resources"]
    }
    assert {(each["stack"], each["resource"]) for each in (*content["items"], *content["free"])} == resources


def test_without_traffic_nothing_is_added_by_requests(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("dev"), capsys, "--requests", "0", environment="dev")
    assert content["usd"]["month"] == content["usd"]["month_without_requests"]
    assert content["usd"]["million_requests"] is None
    assert "A million" not in run(assembly("dev"), capsys, "--requests", "0", environment="dev")


def test_the_traffic_of_the_cost_limit_is_the_default_and_is_said(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("prod"), capsys)
    requests = content["traffic"]["requests_per_second"]
    assert f"The traffic is {requests:g} requests a second: that of the cost limit of prod." in content["assumptions"]


@pytest.mark.parametrize(
    ("given", "declared", "environ", "region"),
    [
        (None, "", {}, Region("us-east-1", "no stack, REGION, AWS_REGION or AWS_DEFAULT_REGION names another")),
        (None, "", {"AWS_DEFAULT_REGION": "eu-west-1"}, Region("eu-west-1", "AWS_DEFAULT_REGION says so")),
        (None, "", {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "x"}, Region("us-west-2", "AWS_REGION says so")),
        (None, "eu-west-2", {"AWS_REGION": "x"}, Region("eu-west-2", "the stacks are declared to be there")),
        ("us-gov-west-1", "eu-west-2", {"AWS_REGION": "x"}, Region("us-gov-west-1", "REGION says so")),
    ],
)
def test_the_region_is_the_nearest_that_says_one(
    given: str | None, declared: str, environ: dict[str, str], region: Region
) -> None:
    assert region_of(given, declared, environ) == region


def test_the_region_and_why_are_said(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("dev"), capsys, environment="dev")
    assert content["region"]["name"] == "us-east-1"
    assert f"The prices are those of us-east-1: {content['region']['reason']}." in content["assumptions"]


def test_the_largest_item_is_named_with_what_lowers_it(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("prod"), capsys, "--requests", "0")
    assert content["largest"]["name"] == "NAT gateway hours"
    assert "nat_gateways" in content["largest"]["what_lowers_it"]
    assert "The largest item is NAT gateway hours" in run(assembly("prod"), capsys, "--requests", "0")


def test_each_price_has_a_hint_of_its_own() -> None:
    assert [key for key in KEYS if not any(key.startswith(start) for start in HINTS)] == []


def test_the_figures_of_an_application_of_ones_own_are_given_and_said(assembly: Assembly, capsys: Capture) -> None:
    own = ("--spans", "20", "--response-bytes", "50000", "--requests-per-vcpu", "20", "--failed", "0.5")
    sample, given = (document(assembly("prod"), capsys, "--requests", "50", *each) for each in ((), own))
    usd = [{each["name"]: each["usd"] for each in content["items"]} for content in (sample, given)]
    for name in ("Fargate vCPU", "Data out", "X-Ray traces", "NAT gateway data"):
        assert usd[0][name] < usd[1][name]
    [sentence] = [each for each in given["assumptions"] if "SPANS=20" in each]
    assert "RESPONSE_BYTES=50000, REQUESTS_PER_VCPU=20" in sentence
    assert any("the sample application's" in each for each in sample["assumptions"])


def test_the_free_allowances_are_taken_off_where_they_are_asked_for(assembly: Assembly, capsys: Capture) -> None:
    listed, free = (document(assembly("dev"), capsys, *each, environment="dev") for each in ((), ("--free-tier",)))
    assert free["usd"]["month"] < listed["usd"]["month"]


def test_a_price_file_of_ones_own_is_said(assembly: Assembly, tmp_path: Path, capsys: Capture) -> None:
    prices = tmp_path / "own.toml"
    prices.write_text(
        '[alb-hour]\nusd = 0.01\nunit = "hour"\nsource = "contract"\nread = 2026-11-30\n\n'
        '[resources."AWS::RDS::DBCluster"]\nmonthly = 1\nsource = "bill"\nread = 2026-11-30\n',
        encoding="utf-8",
    )
    assumptions = document(assembly("prod"), capsys, f"--prices={prices}")["assumptions"]
    assert f"{prices} has prices in place of the region's: alb-hour." in assumptions
    assert f"{prices} has a price of AWS::RDS::DBCluster (bill), of which the stacks have 0." in assumptions


def test_the_age_is_that_of_the_oldest_price_of_the_estimate(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("prod"), capsys, "--requests", "50")
    assert len(content["prices"]["used"]) >= len({each["price"] for each in content["items"] if each["usd"]})
    assert content["prices"]["oldest"] <= content["prices"]["newest"]


def test_a_full_disk_is_one_line(assembly: Assembly) -> None:
    command = [sys.executable, "-m", "operations.cost", "--environment", "dev", "--assembly", str(assembly("dev"))]
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    for option in ("--free", "--json"):
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            process = subprocess.run(
                [*command, option],
                env={**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"},  # as make sets it
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=60,
            )
        assert process.returncode == 1
        assert process.stderr == "error: the estimate cannot be written: No space left on device\n"


def test_a_full_service_and_lines_that_are_billed_twice_are_warned_of(assembly: Assembly, capsys: Capture) -> None:
    content = document(assembly("prod"), capsys, "--requests", "5000")
    assert any("maximum" in each for each in content["warnings"])


def test_what_a_template_names_cannot_drive_the_terminal(assembly: Assembly, tmp_path: Path, capsys: Capture) -> None:
    for path in assembly("dev").glob("*.json"):
        text = re.sub(r'"RuleName": "[^"]*"', r'"RuleName": "\\u001b[31m\\n[red]"', path.read_text(encoding="utf-8"))
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    output = run(tmp_path, capsys, environment="dev")
    assert "\x1b" not in output
    assert "[red]" in output


def test_any_application_has_an_estimate(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP", "examples/orders")
    assert main(["--environment", "dev", "--requests", "5", "--json"], environ={}) == 0
    content = json.loads(capsys.readouterr().out)
    assert {each["stack"] for each in content["items"]} == {"Orders-dev-Observability", "Orders-dev-Service"}
