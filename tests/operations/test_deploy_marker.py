"""A deploy is told to Honeycomb and Rollbar with its version and moment; a product without a key is left out."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import boto3
import pytest
import requests

from local.aws import EmulatedAws
from local.fakes import rollbar
from local.fakes.server import LocalServer
from operations.deploy_marker import main
from service.contract import SECRET_PLACEHOLDER, SecretName, secret_name, service_stack_name
from tests.fakes import honeycomb_api
from tests.fakes.honeycomb_api import Environment, Refusal
from tests.local.emulator.conftest import free_port

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NOW = 1_795_000_000
VERSION = "28294eb"
CONFIGURATION_KEY = "sentinel-configuration-key-77aa"
TOKEN = "sentinel-rollbar-token-91bc"


class Products:
    """Both stand-ins, and the emulated account in which the service is deployed."""

    def __init__(self, stack: ExitStack, aws: EmulatedAws) -> None:
        self.honeycomb = Environment(datasets={"backend-flask": None}, key=CONFIGURATION_KEY)
        served = honeycomb_api.create_app(self.honeycomb)
        self.honeycomb_url = stack.enter_context(closing(LocalServer(served))).url
        self.rollbar_url = stack.enter_context(closing(LocalServer(rollbar.create_app()))).url
        self.aws = aws

    def deploys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.rollbar_url}/deploys", timeout=5).json()
        return found

    def markers(self) -> list[dict[str, Any]]:
        return list(self.honeycomb.markers.values())

    def deploy(self, environment: str, rollbar_endpoint: str | None = None) -> None:
        """Create the service's stack, as far as it is looked at."""
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
        stack = cloudformation.create_stack(StackName=service_stack_name(environment), TemplateBody=json.dumps(body))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )

    def fill(self, environment: str, entry: SecretName, value: str) -> None:
        self.aws.secrets.create_secret(Name=secret_name(environment, entry), SecretString=value)


@pytest.fixture
def products(emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Products]:
    with ExitStack() as stack:
        made = Products(stack, emulated_aws)
        for name, value in {**emulated_aws.variables, "HONEYCOMB_API_URL": made.honeycomb_url}.items():
            monkeypatch.setenv(name, value)
        yield made


def mark(environment: str) -> int:
    return main(["--environment", environment], now=lambda: NOW + 0.7, wait=lambda _: None)


def test_both_products_are_told_version_environment_and_moment(
    products: Products, capsys: pytest.CaptureFixture[str]
) -> None:
    products.deploy("told")
    products.fill("told", SecretName.HONEYCOMB_CONFIGURATION_KEY, CONFIGURATION_KEY)
    products.fill("told", SecretName.ROLLBAR_ACCESS_TOKEN, TOKEN)
    assert mark("told") == 0

    [marker] = products.markers()
    assert (marker["type"], marker["message"], marker["start_time"]) == ("deploy", f"told {VERSION}", NOW)
    assert [request for request in products.honeycomb.requests if "POST" in request] == ["POST /1/markers/__all__"]
    [deploy] = products.deploys()
    assert (deploy["environment"], deploy["revision"], deploy["status"]) == ("told", VERSION, "succeeded")
    assert str(NOW) in deploy["comment"]
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"Honeycomb: told runs {VERSION} since 2026-11-18T11:06:40Z.",
        f"Rollbar: told runs {VERSION} since 2026-11-18T11:06:40Z.",
    ]
    assert said.err == ""


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 4711"), OSError("No username set")])
def test_a_deploy_by_a_user_without_a_name_is_told_without_one(
    error: Exception, products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    environment = f"unnamed-{type(error).__name__}"
    products.deploy(environment)
    products.fill(environment, SecretName.HONEYCOMB_CONFIGURATION_KEY, SECRET_PLACEHOLDER)
    assert mark(environment) == 0
    [deploy] = products.deploys()
    assert (deploy["revision"], "local_username" in deploy) == (VERSION, False)


def test_the_keys_of_the_environments_variables_go_first(products: Products, monkeypatch: pytest.MonkeyPatch) -> None:
    products.deploy("given")
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", CONFIGURATION_KEY)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    assert mark("given") == 0
    assert (len(products.markers()), len(products.deploys())) == (1, 1)


def test_a_product_without_a_key_is_left_out_and_the_deploy_goes_well(
    products: Products, capsys: pytest.CaptureFixture[str]
) -> None:
    products.deploy("bare")
    for entry in SecretName:
        products.fill("bare", entry, SECRET_PLACEHOLDER)
    assert mark("bare") == 0
    assert (products.markers(), products.deploys()) == ([], [])
    said = capsys.readouterr().out
    assert "Honeycomb: no marker. There is no configuration key" in said
    assert "Rollbar: no marker. The secret bare/cruddur/rollbar-access-token is not filled in" in said


def test_what_one_product_refuses_keeps_the_other_from_nothing_and_shows_no_key(
    products: Products, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    products.deploy("refused")
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", "sentinel-wrong-key")
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    assert mark("refused") == 1
    assert len(products.deploys()) == 1
    said = capsys.readouterr()
    assert said.err.startswith("Honeycomb: no marker, the deploy itself is done.")
    assert "401" in said.err
    assert "sentinel" not in said.out + said.err


def test_a_busy_honeycomb_is_asked_again(products: Products, monkeypatch: pytest.MonkeyPatch) -> None:
    products.deploy("busy")
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", CONFIGURATION_KEY)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    products.honeycomb.refuse(Refusal(status=429, headers={"Retry-After": "7"}))
    waited: list[float] = []
    assert main(["--environment", "busy"], now=lambda: NOW, wait=waited.append) == 0
    assert (waited, len(products.markers())) == ([7.0], 1)


@pytest.mark.parametrize(("path", "said"), [("/nowhere/", "answered 404"), (None, "gave no answer (ConnectionError)")])
def test_a_rollbar_that_does_not_take_it_is_named_with_its_address(
    path: str | None, said: str, products: Products, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = "lost" if path else "silent"
    endpoint = f"{products.rollbar_url}{path}" if path else f"http://127.0.0.1:{free_port()}/api/1/"
    products.deploy(environment, rollbar_endpoint=endpoint)
    products.fill(environment, SecretName.HONEYCOMB_CONFIGURATION_KEY, CONFIGURATION_KEY)
    monkeypatch.setenv("ROLLBAR_ACCESS_TOKEN", TOKEN)
    assert mark(environment) == 1
    heard = capsys.readouterr().err
    assert f"{endpoint}deploy {said}" in heard
    assert TOKEN not in heard
    assert len(products.markers()) == 1


@pytest.mark.usefixtures("products")
def test_where_nothing_is_deployed_there_is_nothing_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    assert mark("nowhere") == 1
    assert "Check that 'nowhere' is deployed (make deploy)" in capsys.readouterr().err
