"""A bad value of `make cost` is one line that names the variable, the value and the remedy."""

from __future__ import annotations

import json
import os
import random
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.cost.__main__ import main
from operations.cost.arguments import NUMBERS
from operations.errors import OperatorError

Assembly = Callable[[str], Path]
OPTIONS = {each.variable.lower().replace("_", "-"): each for each in NUMBERS}
BAD = [
    "abc",
    "-1",
    "1e99",
    "nan",
    "inf",
    "0.1 ",
    " 1",
    "10%",
    "1_000",
    "1,5",
    "٣",
    "0x10",
    "1.",
    ".5",
    "1\n2",
    "9" * 11,
]


def error_of(capsys: pytest.CaptureFixture[str], *options: str, environ: dict[str, str] | None = None) -> str:
    arguments = ["--environment", "dev", *options]
    assert main(arguments, environ=environ or {}) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("option", OPTIONS)
def test_a_bad_number_is_named_with_its_variable(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, f"--{option}={value}")
    number = OPTIONS[option]
    assert f"{number.variable}={value!r}" in error
    assert f"{number.variable}={number.example}" in error


@pytest.mark.parametrize(
    ("option", "value"), [("sampling", "1.01"), ("hours", "9000"), ("hours", "0"), ("line-bytes", "0")]
)
def test_a_number_out_of_range_says_the_range(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    number = OPTIONS[option]
    assert f"from {number.lowest:g} to {number.highest:,.0f}" in error_of(capsys, f"--{option}={value}")


def test_any_text_is_a_number_in_range_or_an_error() -> None:
    generator = random.Random(28)
    outcomes = {"number": 0, "error": 0}
    for _ in range(3000):
        number = generator.choice(NUMBERS)
        text = "".join(generator.choices("0123456789.eE+-_ naif\n\0٣", k=generator.randrange(8)))
        try:
            assert number.lowest <= number.read(text) <= number.highest
        except OperatorError as error:
            outcomes["error"] += number.variable in str(error)
        else:
            outcomes["number"] += 1
    assert sum(outcomes.values()) == 3000
    assert min(outcomes.values()) > 50


@pytest.mark.parametrize("region", ["mars-1", "eu-north-1", "../us-east-1", "US-EAST-1", "us-east-1\n"])
def test_a_region_without_prices_says_what_to_do(
    region: str, assembly: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of(capsys, "--assembly", str(assembly("dev")), f"--region={region}")
    assert repr(region)[1:-1] in error
    assert "REGION=" in error
    error = error_of(capsys, "--assembly", str(assembly("dev")), environ={"AWS_REGION": region})
    assert repr(region)[1:-1] in error


def test_a_price_file_that_cannot_be_read_is_named(
    assembly: Assembly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("not = [toml", encoding="utf-8")
    closed = tmp_path / "closed.toml"
    closed.touch()
    closed.chmod(0)
    for path in (tmp_path, tmp_path / "none.toml", bad, *([] if os.geteuid() == 0 else [closed])):
        error = error_of(capsys, "--assembly", str(assembly("dev")), f"--prices={path}")
        assert str(path) in error
    closed.chmod(stat.S_IRUSR | stat.S_IWUSR)


@pytest.mark.parametrize("environment", ["local", "staging", ""])
def test_an_environment_that_is_not_deployed_says_which_are(
    environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--environment", environment], environ={}) == 2
    error = capsys.readouterr().err
    assert f"ENV={environment!r}" in error
    assert "ENV=dev" in error


def test_the_assembly_of_another_environment_is_refused(
    assembly: Assembly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "ENV=prod" in error_of(capsys, "--assembly", str(assembly("prod")))
    assert str(tmp_path) in error_of(capsys, "--assembly", str(tmp_path))


def test_a_description_with_a_fault_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onetrace.toml").write_text("name = 1\n", encoding="utf-8")
    monkeypatch.setenv("APP", str(tmp_path))
    assert "onetrace.toml" in error_of(capsys)
    monkeypatch.setenv("APP", str(tmp_path / "nowhere"))
    assert "nowhere" in error_of(capsys)


def test_a_type_without_a_price_says_how_to_give_one(
    assembly: Assembly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in assembly("dev").iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    template = tmp_path / "Cruddur-dev-Service.template.json"
    content = json.loads(template.read_text(encoding="utf-8"))
    content["Resources"]["Database"] = {"Type": "AWS::RDS::DBInstance", "Properties": {}}
    template.write_text(json.dumps(content), encoding="utf-8")
    error = error_of(capsys, "--assembly", str(tmp_path))
    assert "AWS::RDS::DBInstance" in error
    assert "Database" in error
    prices = tmp_path / "own.toml"
    own = '[resources."AWS::RDS::DBInstance"]\nmonthly = 15.33\nsource = "contract"\nread = 2026-11-30\n'
    prices.write_text(own, encoding="utf-8")
    assert main(["--environment", "dev", "--assembly", str(tmp_path), f"--prices={prices}", "--json"], environ={}) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [each["usd"] for each in items if each["resource"] == "Database"] == [15.33]
