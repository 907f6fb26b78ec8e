"""docs/scale.md is what the stacks, the bench's figures and the recorded loads give today."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from infra.environment_names import LOCAL
from infra.environments import ENVIRONMENTS
from infra.network import Networking
from operations.charts.parts import DARK, LIGHT
from operations.cost.arguments import DEFAULT_REGION
from operations.cost.context import Context
from operations.cost.prices import prices
from operations.cost.pricing import Pricing, synthesized
from operations.cost.reading import Notes, Reader
from operations.cost.report.terminal import WIDTH
from operations.cost.telemetry import log_bytes, traces
from operations.cost.traffic import Traffic
from operations.cost.units import HOUR_SECONDS
from operations.errors import OperatorError
from operations.published import section
from operations.scale import __main__ as command
from operations.scale.analysis import CPU_BOUND, ScalingAnalysis, analysis_of
from operations.scale.documentation import ENVIRONMENT, PAGE, Documentation, write
from operations.scale.service import service_of


@pytest.fixture(scope="module")
def analysis() -> ScalingAnalysis:
    return analysis_of(ENVIRONMENT)


def test_the_page_and_its_plots_are_up_to_date(analysis: ScalingAnalysis) -> None:
    documentation = Documentation(analysis)
    for name, text in documentation.sections().items():
        assert section(PAGE, name).strip() == text, f"{name}: run make scale-docs"
    for name, chart in documentation.charts().items():
        assert section(PAGE, f"plot {name}").strip() == chart.markdown(name)
        for theme in (LIGHT, DARK):
            path = PAGE.with_name(f"{name}-{theme.name}.svg")
            assert path.read_text(encoding="utf-8") == chart.svg(theme), f"{path.name}: run make scale-docs"


def test_writing_the_page_again_changes_nothing(tmp_path: Path, analysis: ScalingAnalysis) -> None:
    page = tmp_path / PAGE.name
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    before = {each.name: each.read_bytes() for each in PAGE.parent.glob("scale-*.svg")}
    write(page, analysis)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert {each.name: each.read_bytes() for each in tmp_path.glob("scale-*.svg")} == before


def test_the_numbers_in_the_pages_prose_are_those_of_the_figures(analysis: ScalingAnalysis) -> None:
    prose = re.sub(r"<!-- (.*?) -->.*?<!-- /\1 -->", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    service = analysis.service
    assert f"{100 / (service.scaling.cpu_percent or 0):.1f} times as much as its CPU target" in prose
    assert f"{1000 / CPU_BOUND:.0f} ms of CPU" in prose


def test_every_environment_can_be_analysed() -> None:
    for name, environment in ENVIRONMENTS.items():
        if name == LOCAL:
            continue
        service, tasks = analysis_of(name).service, environment.tasks
        assert (service.scaling.minimum, service.scaling.maximum) == (tasks.minimum, tasks.maximum)
        assert (service.workers, service.threads) == (tasks.workers, tasks.threads)
        assert service.nat_gateways == environment.network.nat_gateways


def test_a_network_with_endpoints_and_a_small_range_is_read() -> None:
    network = Networking(endpoints=True, nat_gateways=1, cidr="10.1.0.0/23")
    service = service_of(synthesized(replace(ENVIRONMENTS["prod"], network=network)))
    assert {"logs", "xray"} <= service.endpoints
    assert service.addresses == 2 * (32 - 5)
    assert service.public_images == 1


def test_the_share_of_tasks_on_spot_is_read() -> None:
    environment = ENVIRONMENTS["prod"]
    spot = replace(environment, tasks=replace(environment.tasks, spot_percent=70))
    assert service_of(synthesized(spot)).spot_share == pytest.approx(0.7)


def test_without_the_internet_the_daemons_image_is_one_of_the_account() -> None:
    environment = ENVIRONMENTS["prod"]
    ingress = replace(environment.ingress, internal=True)
    isolated = replace(environment, network=Networking(endpoints=True), ingress=ingress)
    assert service_of(synthesized(isolated)).public_images == 0


def test_an_unknown_environment_is_an_error() -> None:
    with pytest.raises(OperatorError, match="ENV='production'"):
        analysis_of("production")


def test_the_command_prints_a_load_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, analysis: ScalingAnalysis
) -> None:
    monkeypatch.setattr(command, "analysis_of", lambda _environment: analysis)
    shape = tmp_path / "launch.csv"
    shape.write_text("minute,requests\n0,20\n20,20\n21,400\n60,400\n", encoding="utf-8")
    arguments = ["--environment", "prod", "--shape", str(shape), "--requests", "400", "--requests-per-vcpu", "100"]
    assert command.main(arguments) == 0
    printed = capsys.readouterr().out
    first = "prod serves 169 requests/s as configured: the maximum of 6 tasks is reached first"
    assert printed.replace("\n", " ").startswith(first)
    assert re.search(r"^launch +400 ", printed, re.MULTILINE)
    assert re.search(r"^Maximum of tasks +\d+ %", printed, re.MULTILINE)
    assert "autoscaling-maximum" not in printed
    assert "`" not in printed
    assert max(map(len, printed.splitlines())) <= WIDTH
    assert "Assumptions" not in printed
    assert command.main([*arguments, "--details"]) == 0
    details = capsys.readouterr().out
    assert all(len(line) <= WIDTH for line in details.splitlines() if "https://" not in line)
    assert "Assumptions" in details
    assert "Limits without a published value" in details


@pytest.mark.parametrize("seed", range(20))
def test_cost_and_scale_have_the_same_tasks_and_sampled_traces(seed: int, analysis: ScalingAnalysis) -> None:
    draw = random.Random(seed)
    traffic = Traffic(requests=10 ** draw.uniform(-1, 6), failed_share=draw.choice((0.0, draw.random())))
    served = 10 ** draw.uniform(0, 4)
    changed = replace(analysis.with_requests_per_vcpu(served), failed_share=traffic.failed_share)
    reader = Reader(analysis.templates, Notes())
    context = Context(reader, traffic, prices.load(DEFAULT_REGION), changed.measured, without_maximum=True)
    load = changed.load_at(traffic.requests)
    assert context.application is not None
    assert load.tasks == context.tasks(context.application.service)
    assert load.sampled * context.hours * HOUR_SECONDS == pytest.approx(traces(context))
    assert load.log_bytes * context.hours * HOUR_SECONDS == pytest.approx(log_bytes(context))


def test_the_cost_of_a_load_is_that_of_make_cost(analysis: ScalingAnalysis) -> None:
    pricing = Pricing(analysis.templates, prices.load(DEFAULT_REGION), analysis.measured)
    estimated = pricing.estimate(Traffic(requests=1000.0), without_maximum=True).usd
    assert analysis.monthly_usd(1000) == estimated


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--environment", "prd"], "ENV='prd'"),
        (["--environment", "local"], "ENV='local'"),
        (["--environment", "prod", "--requests", "-1"], "REQUESTS='-1'"),
        (["--environment", "prod", "--requests", "nan"], "REQUESTS='nan'"),
        (["--environment", "prod", "--failed", "2"], "FAILED='2'"),
        (["--environment", "prod", "--latency", "0"], "LATENCY='0'"),
        (["--environment", "prod", "--requests-per-vcpu", "x"], "REQUESTS_PER_VCPU='x'"),
        (["--environment", "prod", "--peak", "1e3"], "PEAK='1e3'"),
        (["--environment", "prod", "--shape", "/none.csv"], "SHAPE='/none.csv'"),
        (["--environment", "prod", "--limits", "/none.toml"], "LIMITS='/none.toml'"),
    ],
)
def test_a_bad_value_is_one_line_that_names_variable_and_value(
    arguments: list[str],
    named: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    analysis: ScalingAnalysis,
) -> None:
    monkeypatch.setattr(command, "analysis_of", lambda name: analysis if name == "prod" else analysis_of(name))
    assert command.main(arguments) == command.BAD_VALUE
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"error: {named}")
    assert err.count("\n") == 1
