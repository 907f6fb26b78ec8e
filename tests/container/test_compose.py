"""`docker compose up` runs the same contract: every key is optional, and each turns on only its own sink."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.testbed.application import NAMES
from flask_onetrace.contract import (
    CONTAINER_PORT,
    HONEYCOMB_API,
    SERVER_APP,
    SERVER_CONFIG,
    STOP_TIMEOUT_SECONDS,
    XRAY_DAEMON_CONTAINER_NAME,
    XRAY_DAEMON_PORT,
    Variable,
)
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from infra import xray_daemon_image
from service.factory import create_app
from tests.container import compose
from tests.sample import CRUDDUR

AWS_CREDENTIALS = {"AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
AWS_KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
EMPTY = dict.fromkeys(compose.variable_names(), "")


def service(environ: Mapping[str, str] = EMPTY) -> dict[str, Any]:
    return compose.services(environ)[CRUDDUR.container_name]


def daemon(environ: Mapping[str, str] = EMPTY) -> dict[str, Any]:
    return compose.services(environ)[XRAY_DAEMON_CONTAINER_NAME]


def sinks_on(environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names of the sinks that are on when compose starts the service with `environ`."""
    variables = service(environ)["environment"]
    for name in AWS_KEYS:  # read by boto3, not by the settings
        monkeypatch.setenv(name, variables[name])
    app = create_app(Settings.from_env(variables))
    telemetry = app.extensions[EXTENSION]
    telemetry.shutdown()
    return {sink.name for sink in telemetry.sinks if sink.on}


def test_every_variable_is_read_by_the_service_or_the_aws_sdk() -> None:
    assert set(service()["environment"]) <= set(Variable) | AWS_CREDENTIALS
    assert set(daemon()["environment"]) <= {Variable.AWS_REGION} | AWS_CREDENTIALS


def test_the_project_is_named_after_the_app() -> None:
    assert compose.content()["name"] == CRUDDUR.name.lower()


def test_the_service_has_the_names_of_the_applications_description() -> None:
    assert NAMES.items() <= service()["environment"].items()


def test_traces_are_sent_to_honeycombs_api() -> None:
    assert service()["environment"][Variable.OTEL_EXPORTER_OTLP_ENDPOINT] == HONEYCOMB_API


def test_the_tutorials_variables_are_all_set() -> None:
    assert set(service()["environment"]) >= AWS_CREDENTIALS | {
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT,
        Variable.OTEL_EXPORTER_OTLP_HEADERS,
        Variable.OTEL_SERVICE_NAME,
        Variable.AWS_REGION,
        Variable.AWS_XRAY_URL,
        Variable.AWS_XRAY_DAEMON_ADDRESS,
        Variable.CLOUDWATCH_LOG_GROUP,
        Variable.ROLLBAR_ACCESS_TOKEN,
    }


def test_the_example_has_exactly_the_variables_of_compose_and_no_values() -> None:
    assert compose.example() == EMPTY


def test_each_variable_of_the_example_has_a_comment_above_it() -> None:
    lines = compose.EXAMPLE.read_text(encoding="utf-8").splitlines()
    above = {line.partition("=")[0]: lines[index - 1] for index, line in enumerate(lines) if line.endswith("=")}
    assert set(above) == set(EMPTY)
    assert {
        name for name, sentence in above.items() if not (sentence.startswith("# ") and sentence[-1] == ".")
    } == set()


def test_without_any_key_only_the_console_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sinks_on(EMPTY, monkeypatch) == {"console"}


@pytest.mark.parametrize(
    ("keys", "sinks"),
    [
        (["HONEYCOMB_API_KEY"], {"honeycomb", "browser"}),
        (["ROLLBAR_ACCESS_TOKEN"], {"rollbar"}),
        (AWS_KEYS, {"xray"}),
        ([*AWS_KEYS, "CLOUDWATCH_LOG_GROUP"], {"xray", "cloudwatch"}),
    ],
)
def test_a_key_turns_on_only_its_own_sink(keys: list[str], sinks: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert sinks_on(EMPTY | dict.fromkeys(keys, "fake-for-the-test"), monkeypatch) == {"console", *sinks}


def test_gunicorn_loads_the_service_without_any_key() -> None:
    gunicorn = Path(sys.executable).parent / "gunicorn"
    command = [str(gunicorn), "--check-config", "--config", SERVER_CONFIG, SERVER_APP]
    environ = service()["environment"] | {"PATH": os.environ["PATH"], "PYTHONPATH": str(compose.ROOT)}
    process = subprocess.run(
        command, cwd=compose.ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert process.returncode == 0, process.stderr


def test_either_name_of_the_region_is_enough() -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        environ = EMPTY | {name: "eu-west-1"}
        regions = [service(environ)["environment"], daemon(environ)["environment"]]
        assert [each["AWS_REGION"] for each in regions] == ["eu-west-1", "eu-west-1"]


def test_segments_go_to_the_daemon_of_the_same_file() -> None:
    address = service(EMPTY | {"AWS_ACCESS_KEY_ID": "fake"})["environment"]["AWS_XRAY_DAEMON_ADDRESS"]
    assert address == f"{XRAY_DAEMON_CONTAINER_NAME}:{XRAY_DAEMON_PORT}"
    assert XRAY_DAEMON_CONTAINER_NAME in compose.services(EMPTY)


def test_the_daemons_image_is_the_one_that_the_cdk_deploys() -> None:
    assert daemon()["image"] == xray_daemon_image.IMAGE


def test_the_service_does_not_depend_on_the_daemon() -> None:
    assert "depends_on" not in service()


def test_the_service_is_published_only_on_the_loopback_interface() -> None:
    assert service()["ports"] == [f"127.0.0.1:{CONTAINER_PORT}:{CONTAINER_PORT}"]
    assert service(EMPTY | {"PORT": "8080"})["ports"] == [f"127.0.0.1:8080:{CONTAINER_PORT}"]
    assert "ports" not in daemon()


@pytest.mark.parametrize("name", [CRUDDUR.container_name, XRAY_DAEMON_CONTAINER_NAME])
def test_a_container_can_neither_write_its_root_nor_gain_privileges(name: str) -> None:
    container = compose.services(EMPTY)[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]


def test_the_service_has_the_stop_timeout_of_ecs() -> None:
    assert service()["stop_grace_period"] == f"{STOP_TIMEOUT_SECONDS}s"
