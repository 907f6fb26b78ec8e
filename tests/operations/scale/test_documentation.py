"""docs/scale.md is what the stacks, the bench's figures and the recorded loads give today."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.environment_names import LOCAL
from infra.environments import ENVIRONMENTS
from infra.network import Networking
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
from operations.scale import __main__ as command
from operations.scale import deployed, sentences
from operations.scale.analysis import CPU_BOUND, ScalingAnalysis
from operations.scale.deployed import analysis_of
from operations.scale.documentation import ENVIRONMENT, PAGE, write
from operations.scale.service import service_of


@pytest.fixture(scope="module")
def analysis() -> ScalingAnalysis:
    return analysis_of(ENVIRONMENT)


def test_the_page_and_its_plots_are_up_to_date(tmp_path: Path, analysis: ScalingAnalysis) -> None:
    page = tmp_path / PAGE.name
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    write(page, analysis)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8"), "run make scale-docs"
    plots = {each.name: each.read_text(encoding="utf-8") for each in tmp_path.glob("*.svg")}
    assert plots == {each.name: each.read_text(encoding="utf-8") for each in PAGE.parent.glob("scale-*.svg")}


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
    monkeypatch.setattr(deployed, "analysis_of", lambda _environment: analysis)
    shape = tmp_path / "launch.csv"
    shape.write_text("minute,requests\n0,20\n20,20\n21,400\n60,400\n", encoding="utf-8")
    arguments = ["--environment", "prod", "--shape", str(shape), "--requests", "400", "--requests-per-vcpu", "100"]
    assert command.main(arguments) == 0
    output = capsys.readouterr().out
    first = "prod serves 169 requests/s as configured: the maximum of 6 tasks is reached first"
    assert output.replace("\n", " ").startswith(first)
    assert re.search(r"^launch +400 ", output, re.MULTILINE)
    assert re.search(r"^Maximum of tasks +\d+ %", output, re.MULTILINE)
    assert "autoscaling-maximum" not in output
    assert "`" not in output
    assert max(map(len, output.splitlines())) <= WIDTH
    assert "Assumptions" not in output
    assert command.main([*arguments, "--details"]) == 0
    details = capsys.readouterr().out
    assert all(len(line) <= WIDTH for line in details.splitlines() if "https://" not in line)
    assert "Assumptions" in details
    assert "Limits without a published value" in details


@pytest.mark.parametrize("seed", range(20))
def test_cost_and_scale_have_the_same_tasks_and_sampled_traces(seed: int, analysis: ScalingAnalysis) -> None:
    draw = random.Random(seed)
    traffic = Traffic(requests=10 ** draw.uniform(-1, 6), failed_share=draw.choice((0.0, draw.random())))
    requests_per_vcpu = 10 ** draw.uniform(0, 4)
    changed = replace(analysis.with_requests_per_vcpu(requests_per_vcpu), failed_share=traffic.failed_share)
    reader = Reader(analysis.templates, Notes())
    context = Context(reader, traffic, prices.load(DEFAULT_REGION), changed.measured, without_maximum=True)
    load = changed.load_at(traffic.requests)
    assert context.application is not None
    assert load.tasks == context.tasks(context.application.service)
    assert load.sampled_requests * context.hours * HOUR_SECONDS == pytest.approx(traces(context))
    assert load.log_bytes * context.hours * HOUR_SECONDS == pytest.approx(log_bytes(context))


@pytest.mark.parametrize("requests_per_vcpu", [100.0, 1379.0])
def test_the_cost_of_a_load_is_that_of_make_cost(requests_per_vcpu: float, analysis: ScalingAnalysis) -> None:
    own = analysis.with_requests_per_vcpu(requests_per_vcpu)
    measured = replace(analysis.measured, requests_per_vcpu=requests_per_vcpu)
    pricing = Pricing(analysis.templates, prices.load(DEFAULT_REGION), measured)
    assert own.monthly_usd(1000) == pricing.estimate(Traffic(requests=1000.0), without_maximum=True).usd


def test_launches_are_simulated_with_the_quota_of_the_account(tmp_path: Path, analysis: ScalingAnalysis) -> None:
    own = tmp_path / "account.toml"
    own.write_text("fargate-launches = 120\n", encoding="utf-8")
    assert replace(analysis, own_limits=own).fleet.launches_per_second == 2


def test_a_closed_pipe_is_no_traceback(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, analysis: ScalingAnalysis
) -> None:
    monkeypatch.setattr(deployed, "analysis_of", lambda _environment: analysis)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as status:
            sys.exit(command.main(["--environment", "prod", "--details"]))
    assert status.value.code == 1
    assert capfd.readouterr().err == ""


def test_an_analysis_of_which_no_limit_is_reached_has_a_conclusion(analysis: ScalingAnalysis) -> None:
    assert sentences.conclusion(analysis, []) == (
        "prod reaches no limit up to 10,000,000 requests/s, the highest load that is analysed."
    )


def test_a_limit_that_is_exceeded_without_load_is_named(analysis: ScalingAnalysis) -> None:
    small = replace(analysis, service=replace(analysis.service, app_memory=64))
    assert sentences.conclusion(small, small.rows()) == (
        "prod exceeds the limit of Memory of the application's container (64 MiB) at any load from 0.1 requests/s on."
    )


def test_neither_the_command_nor_an_analysis_loads_the_cdk_or_matplotlib() -> None:
    script = (
        "import sys, operations.scale.__main__, operations.scale.plots, bench.request_bytes.report;"
        "sys.exit(str(sorted({'aws_cdk', 'jsii', 'matplotlib', 'numpy'} & {*sys.modules}) or ''))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == ""


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
    monkeypatch.setattr(deployed, "analysis_of", lambda name: analysis if name == "prod" else analysis_of(name))
    assert command.main(arguments) == command.BAD_VALUE
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"error: {named}")
    assert err.count("\n") == 1
