"""The bytes of a request: a run measures what is published, and bench/README.md shows it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench.request_bytes import figures, report
from bench.request_bytes.measurement import RATE, Extent, Run, run
from bench.request_bytes.recording import Post, Recording
from operations.cost.traffic import Measured, exports, measured
from operations.published import section

FEW = Extent(seconds=2, rates=(10, RATE), failures=4, health_checks=4, loads=1)
BYTES = ("log_line", "log_lines", "segment", "segment_wire", "spans", "span", "request", "response")
OF_A_TRACEBACK = ("failure_lines", "failure_log_lines", "rollbar_item")
ON_THE_WIRE = ("honeycomb", "cloudwatch_wire")
LONGER = 0.05
BATCHED = 0.1
"""A slow machine sends fewer requests a second, and so more HTTP headers with each."""


@pytest.fixture(scope="module")
def short_run() -> Run:
    """Measure a few requests."""
    return run(FEW)


@pytest.fixture(scope="module")
def figures_of_run(short_run: Run) -> Measured:
    """Calculate the figures of the short run."""
    return figures.measured(short_run)


@pytest.mark.usefixtures("socket_enabled")
class TestARun:
    """A run measures what is published. A change that makes lines or spans longer has to publish that."""

    @pytest.mark.parametrize("name", BYTES)
    def test_the_bytes_of_a_request_are_as_published(self, figures_of_run: Measured, name: str) -> None:
        assert getattr(figures_of_run, name) == pytest.approx(getattr(measured(), name), rel=LONGER), _REMEDY

    @pytest.mark.parametrize("name", ON_THE_WIRE)
    def test_the_bytes_of_a_batch_are_as_published(self, figures_of_run: Measured, name: str) -> None:
        assert getattr(figures_of_run, name) == pytest.approx(getattr(measured(), name), rel=BATCHED), _REMEDY

    @pytest.mark.parametrize("name", OF_A_TRACEBACK)
    def test_the_bytes_of_a_failure_are_as_published(self, figures_of_run: Measured, name: str) -> None:
        version = "Python " + ".".join(platform.python_version_tuple()[:2])
        if version not in measured().machine:
            pytest.skip(f"{version} prints other tracebacks than that of {measured().machine}")
        assert getattr(figures_of_run, name) == pytest.approx(getattr(measured(), name), rel=LONGER), _REMEDY

    def test_neither_health_checks_nor_the_containers_output_are_billed_as_lines(
        self, figures_of_run: Measured
    ) -> None:
        assert figures_of_run.health_check_line == measured().health_check_line == 0
        assert figures_of_run.output == measured().output == 0

    def test_a_worker_sends_batches_to_the_apis_and_each_segment_to_the_daemon(self, short_run: Run) -> None:
        for each in figures.exports(short_run)[: len(FEW.rates)]:
            assert 1 <= each.put_log_events <= 4, "about two a second"
            assert 1 <= each.honeycomb_requests <= 4, "about two a second"
            assert each.datagrams == pytest.approx(each.requests)

    def test_every_request_of_a_kind_gets_the_same_response(self, short_run: Run) -> None:
        assert {each.status for each in short_run.rates[RATE].exchanges} == {200}
        assert {each.status for each in short_run.failures.exchanges} == {500}


_REMEDY = "run `make bench-bytes BENCH=--publish`, and see in the difference what has grown"


def test_the_page_shows_what_is_published() -> None:
    assert section(report.README, report.SECTION) == f"\n{report.tables(measured(), exports())}\n"


def test_publishing_writes_what_is_read(tmp_path: Path) -> None:
    page, file = tmp_path / "page.md", tmp_path / "measured.json"
    page.write_text(f"<!-- {report.SECTION} -->\n<!-- /{report.SECTION} -->\n")
    other = replace(measured(), log_line=1.25)
    report.publish(other, exports(), page=page, file=file)
    assert (measured(file), exports(file)) == (other, exports())
    assert set(json.loads(file.read_text())["request"]) == set(asdict(other))


def test_the_paths_of_a_traceback_are_those_of_the_image() -> None:
    message = r"File \"/home/me/other/.venv/lib/python3.13/site-packages/flask/app.py\", File \"%s/service/x.py\""
    event = {"message": message % Path.cwd()}
    headers = {"x-amz-target": "Logs_20140328.PutLogEvents"}
    posts = {"cloudwatch": [Post("/", headers, json.dumps({"logEvents": [event]}).encode())]}
    [text] = Recording(posts, []).messages()
    assert text == rb"File \"/app/venv/lib/python3.13/site-packages/flask/app.py\", File \"/app/service/x.py\""
