"""The key comes from its variable, else from Secrets Manager; without one the remedy is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.backing_services.emulated_aws import EmulatedAws
from service.contract import SECRET_PLACEHOLDER, SecretName, secret_name
from tests.operations.honeycomb_rig import KEY, Rig, rig

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = Path(__file__).parents[2]


def keep(aws: EmulatedAws, name: str, value: str) -> None:
    aws.secrets.create_secret(Name=name, SecretString=value)


@pytest.fixture
def without_variable(rig: Rig, emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.delenv("HONEYCOMB_CONFIGURATION_KEY")
    for name, value in emulated_aws.variables.items():
        monkeypatch.setenv(name, value)
    return rig


def test_without_a_variable_the_key_is_the_secret_of_the_environment(
    without_variable: Rig, emulated_aws: EmulatedAws
) -> None:
    keep(emulated_aws, secret_name("prod", SecretName.HONEYCOMB_CONFIGURATION_KEY), KEY)

    assert without_variable.run("--environment", "prod", "--plan").code == 0


def test_a_secret_that_still_holds_the_placeholder_is_no_key(without_variable: Rig, emulated_aws: EmulatedAws) -> None:
    keep(emulated_aws, secret_name("unfilled", SecretName.HONEYCOMB_CONFIGURATION_KEY), SECRET_PLACEHOLDER)

    outcome = without_variable.run("--environment", "unfilled")

    assert outcome.code == 1
    assert "HONEYCOMB_CONFIGURATION_KEY is not set, and the secret unfilled/cruddur/" in outcome.err
    assert "HONEYCOMB_API_KEY, is an ingest key and does not do" in outcome.err
    assert without_variable.environment.requests == []


def test_a_secret_that_is_not_there_is_no_key(without_variable: Rig) -> None:
    outcome = without_variable.run("--environment", "nowhere")

    assert outcome.code == 1
    assert "is not filled in. Set HONEYCOMB_CONFIGURATION_KEY to a configuration key with " in outcome.err


@pytest.mark.parametrize("key", [f"{KEY}\r\nX-More: 1", f"{KEY} {KEY}", f"{KEY}é"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", key)

    outcome = rig.run()

    assert outcome.code == 1
    assert outcome.err.startswith("HONEYCOMB_CONFIGURATION_KEY holds no key. ")
    assert rig.environment.requests == []


def test_without_key_and_credentials_the_command_says_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "operations.honeycomb"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("HONEYCOMB_CONFIGURATION_KEY is not set, and the secret dev/cruddur/")
    assert "use credentials of the account that holds the secret" in line
