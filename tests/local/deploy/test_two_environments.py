"""Two environments in one account and region: each one's telemetry is in its own place only, and names can change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flask_onetrace.contract import TRACE_ID_HEADER, Output, Variable
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from local.backing_services.emulated_aws import REGION, EmulatedAws
from local.deploy.cdk import CDK, QUIET
from local.service.rollout import deployed_task
from local.smoke_test.backends import xray_id
from service.factory import create_app
from tests.local.emulator.conftest import free_port
from tests.sample import PLAIN_IMAGE, names_of
from tests.telemetry.backends import eventually

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = ("dev", "staging")
PLAIN_HTTP = ("-c", "plain_http=yes")
PATH = "/api/activities/home"
Outputs = dict[str, str]


@pytest.fixture(scope="module")
def deploy(emulated_aws: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Outputs]:
    """Deploy an environment with the CDK's command line and return its outputs."""
    folder = tmp_path_factory.mktemp("cdk")
    environ = {**QUIET, **emulated_aws.variables, "CDK_HOME": str(folder / "home"), "PATH": os.environ["PATH"]}

    def cdk(*arguments: str, cwd: Path = ROOT, extra: dict[str, str] | None = None) -> None:
        process = subprocess.run(
            [str(CDK), *arguments],
            cwd=cwd,
            env=environ | (extra or {}),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr

    def run(environment: str, *, context: Sequence[str] = (), **extra: str) -> Outputs:
        file = folder / f"{environment}.json"
        context = ("-c", f"environment={environment}", "-c", f"image={PLAIN_IMAGE}", *context)
        app = ("--app", f"{sys.executable} -m tests.local.deploy.app_with_staging")
        output = ("--output", str(folder / environment), "--outputs-file", str(file))
        cdk("deploy", "--all", "--require-approval", "never", *app, *context, *output, extra=extra)
        outputs: Outputs = json.loads(file.read_text(encoding="utf-8"))[names_of(environment).service_stack]
        return outputs

    (folder / "home").mkdir()
    cdk("bootstrap", f"aws://000000000000/{REGION}", cwd=folder)
    return run


@pytest.fixture(scope="module")
def outputs(deploy: Callable[..., Outputs]) -> dict[str, Outputs]:
    return {environment: deploy(environment) for environment in ENVIRONMENTS}


@pytest.fixture(scope="module")
def daemon(emulated_aws: EmulatedAws) -> Iterator[int]:
    """The port of the fake daemon, in a process of its own: the calls that it makes are no telemetry of the service."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "local.fakes", "--daemon-port", str(port)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **emulated_aws.variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline().split()[0] for _ in range(3)] == ["Honeycomb", "Rollbar", "X-Ray"]
        yield port
        process.terminate()


def send(aws: EmulatedAws, outputs: Outputs, daemon: int, requests: int) -> set[str]:
    """Run the deployed service in this process, send it requests, and return their trace ids."""
    environment = {
        **deployed_task(aws, outputs).environment,
        Variable.AWS_XRAY_DAEMON_ADDRESS: f"127.0.0.1:{daemon}",
    }
    app = create_app(Settings.from_env(environment))
    try:
        responses = [app.test_client().get(PATH, buffered=True) for _ in range(requests)]
        return {each.headers[TRACE_ID_HEADER] for each in responses}
    finally:
        app.extensions[EXTENSION].shutdown()


def traces_in_group(aws: EmulatedAws, group: str) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    [expression] = [each["FilterExpression"] for each in aws.xray.get_groups()["Groups"] if each["GroupName"] == group]
    summaries = aws.xray.get_trace_summaries(
        StartTime=now - timedelta(hours=1), EndTime=now, FilterExpression=expression
    )["TraceSummaries"]
    return [dict(each) for each in summaries]


def trace_ids_in_log_group(aws: EmulatedAws, group: str) -> set[str]:
    lines = [json.loads(event["message"]) for event in aws.logs.filter_log_events(logGroupName=group)["events"]]
    return {line["trace_id"] for line in lines if line.get("path") == PATH}


def test_the_telemetry_of_two_environments_side_by_side_is_each_in_its_own_place_only(
    emulated_aws: EmulatedAws,
    outputs: dict[str, Outputs],
    daemon: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in emulated_aws.variables.items():
        monkeypatch.setenv(name, value)
    sent = {
        environment: send(emulated_aws, outputs[environment], daemon, requests)
        for environment, requests in (("dev", 3), ("staging", 5))
    }
    for environment in ENVIRONMENTS:
        assert outputs[environment][Output.LOG_GROUP] == f"Cruddur-{environment}-Backend-Flask"
        assert trace_ids_in_log_group(emulated_aws, f"Cruddur-{environment}-Backend-Flask") == sent[environment]
        group, expected = f"Cruddur-{environment}", {xray_id(each) for each in sent[environment]}
        traces = eventually(partial(traces_in_group, emulated_aws, group), len(expected))
        assert {each["Id"] for each in traces} == expected
    rules = {each["SamplingRule"]["RuleName"] for each in emulated_aws.xray.get_sampling_rules()["SamplingRuleRecords"]}
    assert {"Cruddur-dev", "Cruddur-dev-Health", "Cruddur-staging", "Cruddur-staging-Health"} <= rules
    queries = emulated_aws.logs.describe_query_definitions()["queryDefinitions"]
    for environment in ENVIRONMENTS:
        own = [each for each in queries if each["name"].startswith(f"Cruddur-{environment}/")]
        assert {tuple(each["logGroupNames"]) for each in own} == {(f"Cruddur-{environment}-Backend-Flask",)}


def test_production_is_deployed_beside_them_and_can_change_its_names(
    emulated_aws: EmulatedAws, deploy: Callable[..., Outputs]
) -> None:
    production = deploy("prod", context=PLAIN_HTTP)
    assert production[Output.LOG_GROUP] == "Cruddur-prod-Backend-Flask"
    renamed = deploy("prod", context=PLAIN_HTTP, TUTORIAL_NAMES="prod")
    assert renamed[Output.LOG_GROUP] == "Cruddur-Backend-Flask"
    groups = {each["logGroupName"] for each in emulated_aws.logs.describe_log_groups()["logGroups"]}
    # It keeps its lines.
    assert {"Cruddur-Backend-Flask", "Cruddur-prod-Backend-Flask"} <= groups
    assert deployed_task(emulated_aws, renamed).environment[Variable.CLOUDWATCH_LOG_GROUP] == "Cruddur-Backend-Flask"
    rules = {each["SamplingRule"]["RuleName"] for each in emulated_aws.xray.get_sampling_rules()["SamplingRuleRecords"]}
    assert {"Cruddur", "Cruddur-Health"} <= rules
    assert not {"Cruddur-prod", "Cruddur-prod-Health"} & rules
