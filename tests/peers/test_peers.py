"""Telemetry that breaks a test of another project's suite is reported, with the test's name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.peers.__main__ import compare, main, problems
from tests.peers.environment import CHECKOUT, LOCK, PeersError, requirements
from tests.peers.suite import run_suite

PYTHON = Path(sys.executable)
SUITE = """
import pytest
from flask import Flask

@pytest.fixture
def response():
    app = Flask("peer")
    app.get("/")(lambda: "hello")
    with app.test_client().get("/") as response:
        yield response

def test_that_both_pass(response):
    assert response.text == "hello"

def test_that_both_fail(response):
    assert response.text == "goodbye"

def test_that_telemetry_breaks(response):
    assert "X-Trace-Id" not in response.headers

@pytest.mark.skip(reason="peers skip some, which are not compared")
def test_that_is_skipped():
    pass
"""


def suite_in(folder: Path, source: str) -> Path:
    (folder / "tests").mkdir()
    (folder / "tests" / "__init__.py").touch()  # as some suites have it: `tests` is theirs then
    (folder / "tests" / "test_peer.py").write_text(source, encoding="utf-8")
    return folder


@pytest.mark.usefixtures("socket_enabled")
def test_a_test_that_passes_bare_and_not_with_telemetry_is_named(tmp_path: Path) -> None:
    comparison = compare("peer", "1.2.3", PYTHON, suite_in(tmp_path, SUITE), tmp_path)
    [problem] = problems(comparison)
    assert problem.startswith("peer: tests.test_peer::test_that_telemetry_breaks fails with telemetry: AssertionError")
    assert comparison.row().split()[:6] == ["peer", "1.2.3", "2", "of", "3", "1"]
    assert comparison.received["honeycomb"] == comparison.received["xray"] == 3


@pytest.mark.usefixtures("socket_enabled")
def test_a_suite_without_a_request_is_a_problem(tmp_path: Path) -> None:
    source = suite_in(tmp_path, "def test_nothing():\n    pass\n")
    [*silent] = problems(compare("peer", "1", PYTHON, source, tmp_path))
    assert [each.split()[1] for each in silent] == ["honeycomb", "xray", "cloudwatch"]


def test_a_suite_that_does_not_run_to_its_end_names_its_log(tmp_path: Path) -> None:
    source = suite_in(tmp_path, "import nothing_of_this_name\n")
    with pytest.raises(PeersError, match=r"exited with 2 .*: read .*report\.log"):
        run_suite(PYTHON, source, tmp_path / "report.xml", None)


def test_the_suites_run_with_the_packages_that_the_service_has() -> None:
    ours, theirs = requirements(CHECKOUT / "service" / "requirements.txt"), requirements(LOCK)
    assert {name: each.version for name, each in theirs.items() if name in ours} == {
        name: each.version for name, each in ours.items()
    }


def test_an_unknown_suite_is_rejected_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["django"])
    assert "no suite is named django: choose from flask, flask-cors" in capsys.readouterr().err
