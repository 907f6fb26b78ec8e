"""The key is read from its variable, else from Secrets Manager; without one the error names the remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flask_onetrace.contract import SECRET_PLACEHOLDER, SecretName
from local.backing_services.emulated_aws import EmulatedAws
from tests.operations.honeycomb_rig import KEY, Rig, rig
from tests.sample import names_of

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = Path(__file__).parents[2]


def store(aws: EmulatedAws, name: str, value: str) -> None:
    aws.secrets.create_secret(Name=name, SecretString=value)


@pytest.fixture
def without_variable(rig: Rig, emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.delenv("HONEYCOMB_CONFIGURATION_KEY")
    for name, value in emulated_aws.variables.items():
        monkeypatch.setenv(name, value)
    return rig


def test_without_the_variable_the_key_is_read_from_the_environments_secret(
    without_variable: Rig, emulated_aws: EmulatedAws
) -> None:
    store(emulated_aws, names_of("prod").secret(SecretName.HONEYCOMB_CONFIGURATION_KEY), KEY)

    assert without_variable.run("--environment", "prod", "--plan").code == 0


def test_the_placeholder_is_not_taken_for_a_key(without_variable: Rig, emulated_aws: EmulatedAws) -> None:
    store(emulated_aws, names_of("unfilled").secret(SecretName.HONEYCOMB_CONFIGURATION_KEY), SECRET_PLACEHOLDER)

    outcome = without_variable.run("--environment", "unfilled")

    assert outcome.code == 1
    assert "HONEYCOMB_CONFIGURATION_KEY is not set, and the secret unfilled/cruddur/" in outcome.err
    assert "HONEYCOMB_API_KEY is an ingest key and cannot do this" in outcome.err
    assert without_variable.environment.requests == []


def test_a_secret_that_does_not_exist_is_reported_as_not_filled_in(without_variable: Rig) -> None:
    outcome = without_variable.run("--environment", "nowhere")

    assert outcome.code == 1
    assert "is not filled in. Set HONEYCOMB_CONFIGURATION_KEY to a configuration key with " in outcome.err


@pytest.mark.parametrize("key", [f"{KEY}\r\nX-More: 1", f"{KEY} {KEY}", f"{KEY}é"])
def test_a_malformed_key_is_rejected_without_being_shown(rig: Rig, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", key)

    outcome = rig.run()

    assert outcome.code == 1
    assert outcome.err.startswith("HONEYCOMB_CONFIGURATION_KEY holds no key. ")
    assert rig.environment.requests == []


def test_without_key_and_credentials_the_command_prints_one_line() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "operations.honeycomb"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",  # as make sets it
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert process.returncode == 1
    [line] = process.stderr.splitlines()
    assert line.startswith("HONEYCOMB_CONFIGURATION_KEY is not set, and the secret dev/cruddur/")
    assert "use credentials of the account that holds the secret" in line
