"""`make secrets` stores no key that the service would reject at its start, and says so as the service does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from flask_onetrace.contract import CONFIGURATION_KEY_VARIABLE, SECRET_PLACEHOLDER, SECRET_SOURCES, Output, SecretName
from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings
from local.backing_services.emulated_aws import FAKE_KEY, FAKE_KEY_ID, EmulatedAws
from tests.sample import names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = Path(__file__).parents[2]
KEY = "fake-key-c0ffee-0123456789"
REJECTED = {
    "inner space": f"{KEY} {KEY}",
    "two lines": f"{KEY}\n{KEY}",
    "tab": f"{KEY}\t{KEY}",
    "Cyrillic a": KEY.replace("a", "\u0430", 1),
    "full-width digits": KEY.replace("0", "\uff10"),
    "zero-width space at the end": f"{KEY}\u200b",
    "escape sequence": f"\x1b[200~{KEY}\x1b[201~",
    "quotes": f'"{KEY}"',
    "placeholder": SECRET_PLACEHOLDER,
    "other variable's line": f"ROLLBAR_ACCESS_TOKEN={KEY}",
    "exported": f"export HONEYCOMB_API_KEY={KEY}",
}


@pytest.fixture(scope="module")
def aws(emulated_aws: EmulatedAws) -> EmulatedAws:
    """The emulator with the secrets of `dev`, and a stack of the service's outputs."""
    for secret in SecretName:
        emulated_aws.secrets.create_secret(Name=names_of("dev").secret(secret), SecretString=SECRET_PLACEHOLDER)
    ecs = emulated_aws.ecs
    ecs.create_cluster(clusterName="cluster")
    ecs.register_task_definition(family="task", containerDefinitions=[{"name": "a", "image": "a"}])
    ecs.create_service(cluster="cluster", serviceName="backend", taskDefinition="task", desiredCount=0)
    outputs = {Output.CLUSTER: "cluster", Output.SERVICE: "backend"}
    template = {
        "Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}},
        "Outputs": {str(name): {"Value": value} for name, value in outputs.items()},
    }
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=emulated_aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=FAKE_KEY_ID,
        aws_secret_access_key=FAKE_KEY,
    )
    stack = names_of("dev").service_stack
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    return emulated_aws


def run(aws: EmulatedAws, keys: dict[str, str], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations.secrets", "--environment", "dev", "--approval", "never"],
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "AWS_CONFIG_FILE": os.devnull, **aws.variables, **keys},
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stored(aws: EmulatedAws) -> dict[str, str]:
    return {
        variable: aws.secrets.get_secret_value(SecretId=names_of("dev").secret(entry))["SecretString"]
        for variable, entry in SECRET_SOURCES.items()
    }


@pytest.mark.parametrize("text", REJECTED.values(), ids=REJECTED)
def test_a_rejected_key_is_neither_stored_nor_shown(aws: EmulatedAws, text: str) -> None:
    before = stored(aws)
    process = run(aws, dict.fromkeys(SECRET_SOURCES, text))
    output = process.stdout + process.stderr
    assert process.returncode == 1
    assert [variable for variable in SECRET_SOURCES if f"{variable}: the value " not in output] == []
    assert "nothing was stored" in output
    assert KEY[:12] not in output
    assert "Traceback" not in output
    assert stored(aws) == before


@pytest.mark.parametrize("variable", SECRET_SOURCES)
def test_with_one_key_rejected_no_other_one_is_stored(aws: EmulatedAws, variable: str) -> None:
    before = stored(aws)
    process = run(aws, {**dict.fromkeys(SECRET_SOURCES, KEY), variable: REJECTED["inner space"]})
    assert process.returncode == 1
    assert process.stderr.count(": the value ") == 1
    assert stored(aws) == before


@pytest.mark.parametrize("name", ["two lines", "quotes"])
def test_the_message_is_that_of_the_services_start(aws: EmulatedAws, name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"ROLLBAR_ACCESS_TOKEN": REJECTED[name]})
    [problem] = caught.value.problems
    assert problem in run(aws, {"ROLLBAR_ACCESS_TOKEN": REJECTED[name]}).stderr


def test_white_space_and_line_ends_around_a_key_are_not_stored(aws: EmulatedAws) -> None:
    process = run(aws, {"HONEYCOMB_API_KEY": f" {KEY}-1\r\n"}, stdin=f"{KEY}-2 \r\n\t{KEY}-3\n")
    assert process.returncode == 0, process.stderr
    assert stored(aws) == {
        "HONEYCOMB_API_KEY": f"{KEY}-1",
        "ROLLBAR_ACCESS_TOKEN": f"{KEY}-2",
        CONFIGURATION_KEY_VARIABLE: f"{KEY}-3",
    }
    assert KEY not in process.stdout + process.stderr
