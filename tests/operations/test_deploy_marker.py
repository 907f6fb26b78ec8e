"""A deploy is recorded at Honeycomb and Rollbar with its version and time; a product without a key is skipped."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import boto3
import pytest
import requests

from flask_onetrace.contract import SECRET_PLACEHOLDER, SecretName
from local.backing_services.emulated_aws import EmulatedAws
from local.fakes import rollbar
from local.fakes.server import LocalServer
from operations.deploy_marker import main
from tests.fakes import honeycomb_api
from tests.fakes.honeycomb_api import Environment, PlannedResponse
from tests.local.emulator.conftest import free_port
from tests.sample import names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NOW = 1_795_000_000
VERSION = "28294eb"
CONFIGURATION_KEY = "sentinel-configuration-key-77aa"
TOKEN = "sentinel-rollbar-token-91bc"


class Products:
    """Both fakes, and the emulated account in which the service is deployed."""

    def __init__(self, stack: ExitStack, aws: EmulatedAws) -> None:
        self.honeycomb = Environment(datasets={"backend-flask": None}, key=CONFIGURATION_KEY)
        served = honeycomb_api.create_app(self.honeycomb)
        self.honeycomb_url = stack.enter_context(closing(LocalServer(served))).url
        self.rollbar_url = stack.enter_context(closing(LocalServer(rollbar.create_app()))).url
        self.aws = aws

    def deploys(self) -> list[dict[str, Any]]:
        deploys: list[dict[str, Any]] = requests.get(f"{self.rollbar_url}/deploys", timeout=60).json()
        return deploys

    def markers(self) -> list[dict[str, Any]]:
        return list(self.honeycomb.markers.values())

    def deploy(self, environment: str, rollbar_endpoint: str | None = None) -> None:
        """Create as much of the service's stack as the marker reads."""
        endpoint = rollbar_endpoint or f"{self.rollbar_url}/api/1/"
        variables = [
            {"Name": "SERVICE_VERSION", "Value": VERSION},
            {"Name": "ROLLBAR_ENDPOINT", "Value": endpoint},
        ]
        container = {"Name": "backend-flask", "Image": "backend-flask", "Environment": variables}
        body = {
            "Resources": {
                "Task": {
                    "Type": "AWS::ECS::TaskDefinition",
                    "Properties": {"Family": f"{environment}-task", "ContainerDefinitions": [container]},
                }
            },
            "Outputs": {"TaskDefinition": {"Value": {"Ref": "Task"}}},
        }
        cloudformation = boto3.client("cloudformation", region_name="us-east-1")
        stack = cloudformation.create_stack(
            StackName=names_of(environment).service_stack, TemplateBody=json.dumps(body)
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )

    def fill(self, environment: str, entry: SecretName, value: str) -> None:
        self.aws.secrets.create_secret(Name=names_of(environment).secret(entry), SecretString=value)


@pytest.fixture
def products(emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Products]:
    with ExitStack() as stack:
        products = Products(stack, emulated_aws)
        for name, value in {**emulated_aws.variables, "HONEYCOMB_API_URL": products.honeycomb_url}.items():
            monkeypatch.setenv(name, value)
        yield products


def mark(environment: str) -> int:
    return main(["--environment", environment], now=lambda: NOW + 0.7, sleep=lambda _: None)


def test_version_environment_and_time_are_recorded_at_both_products(
    products: Products, capsys: pytest.CaptureFixture[str]
) -> None:
    products.deploy("dev")
    products.fill("dev", SecretName.HONEYCOMB_CONFIGURATION_KEY, CONFIGURATION_KEY)
    products.fill("dev", SecretName.ROLLBAR_ACCESS_TOKEN, TOKEN)
    assert mark("dev") == 0

    [marker] = products.markers()
    assert (marker["type"], marker["message"], marker["start_time"]) == ("deploy", f"dev {VERSION}", NOW)
    assert [request for request in products.honeycomb.requests if "POST" in request] == ["POST /1/markers/__all__"]
    [deploy] = products.deploys()
    assert (deploy["environment"], deploy["revision"], deploy["status"]) == ("dev", VERSION, "succeeded")
    assert str(NOW) in deploy["comment"]
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        f"Honeycomb: recorded that dev runs {VERSION} since 2026-11-18T11:06:40Z.",
        f"Rollbar: recorded that dev runs {VERSION} since 2026-11-18T11:06:40Z.",
    ]
    assert output.err == ""


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 4711"), OSError("No username set")])
def test_a_deploy_by_a_user_without_a_name_is_recorded_without_one(
    error: Exception, products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    environment = f"unnamed-{type(error).__name__.lower()}"
    products.deploy(environment)
    products.fill(environment, SecretName.HONEYCOMB_CONFIGURATION_KEY, SECRET_PLACEHOLDER)
    assert mark(environment) == 0
    [deploy] = products.deploys()
    assert (deploy["revision"], "local_username" in deploy) == (VERSION, False)


def test_keys_in_environment_variables_take_precedence(products: Products, monkeypatch: pytest.MonkeyPatch) -> None:
    products.deploy("given")
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", CONFIGURATION_KEY)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    assert mark("given") == 0
    assert (len(products.markers()), len(products.deploys())) == (1, 1)


def test_a_product_without_a_key_is_skipped(products: Products, capsys: pytest.CaptureFixture[str]) -> None:
    products.deploy("bare")
    for entry in SecretName:
        products.fill("bare", entry, SECRET_PLACEHOLDER)
    assert mark("bare") == 0
    assert (products.markers(), products.deploys()) == ([], [])
    output = capsys.readouterr().out
    for product, variable, name in (
        ("Honeycomb", "HONEYCOMB_CONFIGURATION_KEY", "honeycomb-configuration-key"),
        ("Rollbar", "ROLLBAR_ACCESS_TOKEN", "rollbar-access-token"),
    ):
        problem = f"{variable} is not set, and the secret bare/cruddur/{name} is not filled in."
        assert f"{product}: skipped. {problem}" in output


def test_a_failure_at_one_product_does_not_stop_the_other_and_shows_no_key(
    products: Products, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    products.deploy("refused")
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", "sentinel-wrong-key")
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    assert mark("refused") == 1
    assert len(products.deploys()) == 1
    output = capsys.readouterr()
    assert output.err.startswith("Honeycomb: the deploy succeeded but was not recorded. ")
    assert "401" in output.err
    assert "sentinel" not in output.out + output.err


def test_a_429_of_honeycomb_is_retried(products: Products, monkeypatch: pytest.MonkeyPatch) -> None:
    products.deploy("busy")
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", CONFIGURATION_KEY)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    products.honeycomb.plan(PlannedResponse(status=429, headers={"Retry-After": "7"}))
    delays: list[float] = []
    assert main(["--environment", "busy"], now=lambda: NOW, sleep=delays.append) == 0
    assert (delays, len(products.markers())) == ([7.0], 1)


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/nowhere/", "{url} answered 404"), (None, "No response from {url} (ConnectionError)")],
)
def test_a_rollbar_that_fails_is_named_with_its_url(
    path: str | None,
    problem: str,
    products: Products,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = "not-found" if path else "unreachable"
    endpoint = f"{products.rollbar_url}{path}" if path else f"http://127.0.0.1:{free_port()}/api/1/"
    products.deploy(environment, rollbar_endpoint=endpoint)
    products.fill(environment, SecretName.HONEYCOMB_CONFIGURATION_KEY, CONFIGURATION_KEY)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    assert mark(environment) == 1
    errors = capsys.readouterr().err
    assert problem.format(url=f"{endpoint}deploy") in errors
    assert TOKEN not in errors
    assert len(products.markers()) == 1


@pytest.mark.usefixtures("products")
def test_an_environment_that_is_not_deployed_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert mark("nowhere") == 1
    assert "Check that 'nowhere' is deployed (make deploy)" in capsys.readouterr().err
