"""An application's own secrets exist before its first deploy, are shown nowhere, and are never a placeholder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flask_onetrace.contract import SECRET_PLACEHOLDER
from infra.application_file import load
from infra.names import Names
from local.backing_services.emulated_aws import EmulatedAws
from operations.deploy import stacks
from operations.errors import OperatorError
from operations.keys import fill, missing
from tests.sample import names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = Path(__file__).parents[2]
BOOKINGS = ROOT / "tests" / "infra" / "bookings"
URL = "postgresql://bookings:sentinel 5ecret@db.example/bookings"


def names(environment: str) -> Names:
    return Names(load(BOOKINGS), environment)


def make_secrets(
    aws: EmulatedAws, environment: str, *, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations.secrets", "--environment", environment, "--approval", "never"],
        env={
            "PATH": os.environ["PATH"],
            "AWS_CONFIG_FILE": os.devnull,
            "APP": str(BOOKINGS),
            **aws.variables,
            **variables,
        },
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_before_the_first_deploy_its_entry_is_created_with_the_value_and_shown_by_name(
    emulated_aws: EmulatedAws,
) -> None:
    process = make_secrets(emulated_aws, "dev", DATABASE_URL=URL)
    assert (process.returncode, process.stdout, process.stderr) == (
        0,
        "Read from the environment: DATABASE_URL.\nFilled in dev/bookings/database-url.\n",
        "",
    )
    assert emulated_aws.secrets.get_secret_value(SecretId="dev/bookings/database-url")["SecretString"] == URL
    # As the task definition names it, without the six characters that Secrets Manager appends.
    arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:dev/bookings/database-url"
    assert emulated_aws.secrets.get_secret_value(SecretId=arn)["SecretString"] == URL


def test_it_is_asked_for_after_the_sinks_keys(emulated_aws: EmulatedAws) -> None:
    process = make_secrets(emulated_aws, "asked", stdin=f"\n\n\nDATABASE_URL={URL}\n")
    assert process.returncode == 0, process.stderr
    assert emulated_aws.secrets.get_secret_value(SecretId="asked/bookings/database-url")["SecretString"] == URL


def test_a_sinks_key_waits_for_the_entry_that_the_first_deploy_creates(emulated_aws: EmulatedAws) -> None:
    process = make_secrets(emulated_aws, "early", DATABASE_URL=URL, HONEYCOMB_API_KEY="fake-key-c0ffee")
    assert process.returncode == 0
    assert process.stdout == (
        "Read from the environment: HONEYCOMB_API_KEY, DATABASE_URL.\nFilled in early/bookings/database-url.\n"
    )
    assert "Not stored: HONEYCOMB_API_KEY, whose entries the first deploy creates" in process.stderr
    assert "fake-key" not in process.stdout + process.stderr


def test_a_later_value_replaces_the_first_and_restores_an_entry_that_was_deleted(emulated_aws: EmulatedAws) -> None:
    client, environment = emulated_aws.secrets, names("again")
    fill(client, environment, {"DATABASE_URL": "first"})
    fill(client, environment, {"DATABASE_URL": "second"})
    assert client.get_secret_value(SecretId="again/bookings/database-url")["SecretString"] == "second"
    client.delete_secret(SecretId="again/bookings/database-url")
    assert missing(client, environment.own_secrets) == environment.own_secrets
    fill(client, environment, {"DATABASE_URL": "third"})
    assert missing(client, environment.own_secrets) == {}
    assert client.get_secret_value(SecretId="again/bookings/database-url")["SecretString"] == "third"


def test_the_entry_of_an_application_whose_name_differs_by_case_alone_is_not_overwritten(
    emulated_aws: EmulatedAws,
) -> None:
    fill(emulated_aws.secrets, names("case"), {"DATABASE_URL": "first"})
    other = Names(replace(load(BOOKINGS), name="BOOKINGS"), "case")
    with pytest.raises(OperatorError, match="is a secret of the application 'Bookings', not of 'BOOKINGS'"):
        fill(emulated_aws.secrets, other, {"DATABASE_URL": "second"})
    stored = emulated_aws.secrets.get_secret_value(SecretId="case/bookings/database-url")
    assert stored["SecretString"] == "first"


@pytest.mark.parametrize("value", ["", "  ", SECRET_PLACEHOLDER, "x" * 65_537])
def test_a_value_that_no_task_could_use_is_refused_before_anything_is_stored(
    emulated_aws: EmulatedAws, value: str
) -> None:
    with pytest.raises(OperatorError, match=r"DATABASE_URL: the value is .* nothing was stored"):
        fill(emulated_aws.secrets, names("refused"), {"DATABASE_URL": value})
    assert missing(emulated_aws.secrets, names("refused").own_secrets)


def test_a_value_of_several_lines_is_stored_as_it_is(emulated_aws: EmulatedAws) -> None:
    pem = " -----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----\n"
    assert make_secrets(emulated_aws, "pem", DATABASE_URL=pem).returncode == 0
    assert emulated_aws.secrets.get_secret_value(SecretId="pem/bookings/database-url")["SecretString"] == pem


def test_the_first_line_of_a_pem_file_is_refused_with_the_way_to_pass_the_whole(emulated_aws: EmulatedAws) -> None:
    stdin = "\n\n\n-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n"
    process = make_secrets(emulated_aws, "first-line", stdin=stdin)
    assert process.returncode == 1
    assert 'export it whole, DATABASE_URL="$(cat key.pem)"' in process.stderr


def deploy(aws: EmulatedAws, environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations.deploy", "--environment", environment, "--", "true"],
        env={
            "PATH": os.environ["PATH"],
            "AWS_CONFIG_FILE": os.devnull,
            "APP": str(BOOKINGS),
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            **aws.variables,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_deploy_without_its_secret_is_refused_before_the_cdk_runs(emulated_aws: EmulatedAws) -> None:
    process = deploy(emulated_aws, "none")
    assert process.returncode == 1
    assert process.stderr.splitlines()[-2:] == [
        "error: The task definition reads secrets that do not exist, or have no value:"
        " none/bookings/database-url (DATABASE_URL).",
        f"Create them: make secrets APP={BOOKINGS} ENV=none. It asks for each; then run make deploy again",
    ]


def test_a_bad_description_is_one_error_with_the_file_and_what_to_do(emulated_aws: EmulatedAws, tmp_path: Path) -> None:
    (tmp_path / "onetrace.toml").write_text("colour = 1", encoding="utf-8")
    process = make_secrets(emulated_aws, "dev", APP=str(tmp_path))
    assert process.returncode == 1
    assert f"{tmp_path / 'onetrace.toml'}: colour is not a key\nUse one of" in process.stderr
    assert "Traceback" not in process.stderr


def test_every_remedy_names_the_application_that_was_selected() -> None:
    stack = stacks.Stack("Bookings-dev-Service", "DELETE_FAILED", "", {})
    assert f"make destroy APP={BOOKINGS} ENV=dev," in str(stacks.recovery(stack, names("dev")))
    assert "make destroy ENV=dev," in str(stacks.recovery(stack, names_of("dev")))
