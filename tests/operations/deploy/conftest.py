from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from flask_onetrace.contract import Output, Variable
from local.backing_services.emulated_aws import FAKE_KEY, EmulatedAws
from operations.deploy import __main__ as deploy_main
from operations.deploy.clients import Clients, connect
from operations.deployment import aws_session
from tests.local.emulator.conftest import free_port, wait_until_ready
from tests.sample import CRUDDUR, names_of

ROOT = Path(__file__).parents[3]
ENVIRONMENT = "dev"
STACK = names_of(ENVIRONMENT).service_stack
ALARM = names_of(ENVIRONMENT).resource("5xx-share")
POLL = "0.2"
STEADY_SECONDS = 60.0
Template = dict[str, Any]


@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAws]:
    """The emulated AWS in which the image decides how a container fares."""
    aws = EmulatedAws(free_port())
    command = [sys.executable, "-m", "tests.operations.deploy.emulator", "--port", str(aws.port), "--push-here"]
    state = tmp_path_factory.mktemp("emulator")
    with subprocess.Popen(
        [*command, "--state-folder", str(state), "--log-level", "CRITICAL"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until_ready(process, aws.endpoint)
            yield aws
        finally:
            process.terminate()
            process.communicate(timeout=15)


@cache
def _clients(_account: str) -> Clients:
    return connect(aws_session())


@dataclass
class Account:
    """An account of the emulator, in which deploys of the same environment do not meet those of other tests."""

    id: str
    variables: dict[str, str]
    folder: Path

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point the AWS SDKs at it."""
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)

    def apply(self, template: Template) -> list[str]:
        """Return the command that stands in for the CDK."""
        path = self.folder / f"{secrets.token_hex(4)}.json"
        path.write_text(json.dumps(template), encoding="utf-8")
        return [sys.executable, "-m", "tests.operations.deploy.apply_template", STACK, str(path)]

    def deploy(self, *command: str, poll: str = POLL, rollout: str = "0.2") -> int:
        """Run `operations.deploy` in this process, with the account's clients: creating them takes most of the time."""
        with patch.object(deploy_main, "connect", lambda _session: _clients(self.id)):
            return deploy_main.main(
                ["--environment", ENVIRONMENT, "--poll", poll, "--rollout", rollout, "--", *command]
            )

    def wait_until_steady(self) -> None:
        """Wait until the rollback of an earlier test has ended: ECS rolls back only to a completed deployment."""
        ecs = self.client("ecs")
        [cluster] = ecs.list_clusters()["clusterArns"]
        services = ecs.list_services(cluster=cluster)["serviceArns"]
        deadline = time.monotonic() + STEADY_SECONDS
        while True:
            [service] = ecs.describe_services(cluster=cluster, services=services)["services"]
            rollouts = [each["rolloutState"] for each in service["deployments"] if each["status"] == "PRIMARY"]
            if rollouts == ["COMPLETED"]:
                return
            assert time.monotonic() < deadline, service["deployments"]
            time.sleep(0.1)

    def client(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client of any service
        return aws_session().client(service)  # type: ignore[call-overload] # the stubs want one literal name each


def new_account(emulator: EmulatedAws, folder: Path) -> Account:
    account_id = f"{secrets.randbelow(10**11) + 10**11}"
    # ministack takes a key of twelve digits as the account.
    variables = emulator.variables | {"AWS_ACCESS_KEY_ID": account_id, "AWS_SECRET_ACCESS_KEY": FAKE_KEY}
    return Account(account_id, variables, folder)


@pytest.fixture
def account(emulator: EmulatedAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """An account in which nothing is deployed."""
    account = new_account(emulator, tmp_path)
    account.use(monkeypatch)
    return account


@pytest.fixture
def deployed(account: Account, capfd: pytest.CaptureFixture[str]) -> Account:
    """An account of the test's own in which version v1 serves."""
    assert account.deploy(*account.apply(template("v1", "fine"))) == 0
    capfd.readouterr()
    return account


@pytest.fixture(scope="package")
def shared_account(emulator: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> Account:
    account = new_account(emulator, tmp_path_factory.mktemp("shared"))
    with pytest.MonkeyPatch.context() as patch:
        account.use(patch)
        assert account.deploy(*account.apply(template("v1", "fine"))) == 0
    return account


@pytest.fixture
def serving(shared_account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """An account in which version v1 serves, for tests that change nothing in it."""
    shared_account.use(monkeypatch)
    shared_account.wait_until_steady()
    return replace(shared_account, folder=tmp_path)


def template(version: str, image: str, **resources: Template) -> Template:
    """Return as much of the service's stack as decides how its deploy ends."""
    outputs = {
        Output.CLUSTER: {"Ref": "Cluster"},
        Output.SERVICE: {"Fn::GetAtt": ["Service", "Name"]},
        Output.TASK_DEFINITION: {"Ref": "Task"},
        Output.URL: "http://backend.test",
    }
    return {
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster"},
            "Output": {"Type": "AWS::Logs::LogGroup"},
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": _alarm()},
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": _task(version, image)},
            "Service": {"Type": "AWS::ECS::Service", "Properties": _service(), "DependsOn": ["Alarm", *resources]},
            **resources,
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def _alarm() -> Template:
    return {
        "AlarmName": ALARM,
        "MetricName": "Errors",
        "Namespace": "Test",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
    }


def _task(version: str, image: str) -> Template:
    options = {
        "awslogs-group": {"Ref": "Output"},
        "awslogs-stream-prefix": CRUDDUR.container_name,
        "awslogs-region": "us-east-1",
    }
    container = {
        "Name": CRUDDUR.container_name,
        "Image": f"{image}:1",
        "Environment": [{"Name": Variable.SERVICE_VERSION, "Value": version}],
        "LogConfiguration": {"LogDriver": "awslogs", "Options": options},
    }
    sidecar = {"Name": "xray-daemon", "Image": "xray-daemon:3", "Essential": False}
    return {
        "Family": "backend",
        "RequiresCompatibilities": ["FARGATE"],
        "Cpu": "256",
        "Memory": "512",
        "ContainerDefinitions": [container, sidecar],
    }


def _service() -> Template:
    return {
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "Task"},
        "LaunchType": "FARGATE",
        "DesiredCount": 1,
        "DeploymentConfiguration": {
            "Alarms": {"AlarmNames": [ALARM], "Enable": True, "Rollback": True},
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        },
    }
