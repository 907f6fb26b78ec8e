"""`docker compose up` runs the same contract: every key is optional, and each turns on its own sink alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.xray_sidecar import IMAGE
from service.contract import (
    CONTAINER_NAME,
    CONTAINER_PORT,
    STOP_TIMEOUT_SECONDS,
    XRAY_DAEMON_CONTAINER_NAME,
    XRAY_DAEMON_PORT,
    Variable,
)
from service.factory import create_app
from service.settings import Settings
from service.telemetry import EXTENSION
from tests.container import compose

AWS_CREDENTIALS = {"AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
AWS_KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
EMPTY = dict.fromkeys(compose.interpolated(), "")


def service(environ: Mapping[str, str] = EMPTY) -> dict[str, Any]:
    return compose.services(environ)[CONTAINER_NAME]


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


def test_every_variable_is_one_that_the_service_or_the_aws_sdk_reads() -> None:
    assert set(service()["environment"]) <= set(Variable) | AWS_CREDENTIALS
    assert set(daemon()["environment"]) <= {Variable.AWS_REGION} | AWS_CREDENTIALS


def test_the_tutorials_variables_are_all_there() -> None:
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


def test_the_example_holds_exactly_the_variables_that_compose_asks_for_and_no_value() -> None:
    assert compose.example() == EMPTY


def test_each_variable_of_the_example_has_its_sentence_above_it() -> None:
    lines = compose.EXAMPLE.read_text(encoding="utf-8").splitlines()
    above = {line.partition("=")[0]: lines[index - 1] for index, line in enumerate(lines) if line.endswith("=")}
    assert set(above) == set(EMPTY)
    assert {
        name for name, sentence in above.items() if not (sentence.startswith("# ") and sentence[-1] == ".")
    } == set()


def test_without_any_key_the_console_alone_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_key_turns_on_its_own_sink_alone(keys: list[str], sinks: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert sinks_on(EMPTY | dict.fromkeys(keys, "fake-for-the-test"), monkeypatch) == {"console", *sinks}


def test_gunicorn_loads_the_service_without_any_key() -> None:
    gunicorn = Path(sys.executable).parent / "gunicorn"
    command = [str(gunicorn), "--check-config", "--config", "service/gunicorn.conf.py", "service.wsgi:build()"]
    environ = service()["environment"] | {"PATH": os.environ["PATH"], "PYTHONPATH": str(compose.ROOT)}
    found = subprocess.run(
        command, cwd=compose.ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert found.returncode == 0, found.stderr


def test_either_name_of_the_region_is_enough() -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        environ = EMPTY | {name: "eu-west-1"}
        regions = [service(environ)["environment"], daemon(environ)["environment"]]
        assert [each["AWS_REGION"] for each in regions] == ["eu-west-1", "eu-west-1"]


def test_segments_go_to_the_daemon_of_the_same_file() -> None:
    address = service(EMPTY | {"AWS_ACCESS_KEY_ID": "fake"})["environment"]["AWS_XRAY_DAEMON_ADDRESS"]
    assert address == f"{XRAY_DAEMON_CONTAINER_NAME}:{XRAY_DAEMON_PORT}"
    assert XRAY_DAEMON_CONTAINER_NAME in compose.services(EMPTY)


def test_the_daemon_is_the_one_that_the_cdk_deploys() -> None:
    assert daemon()["image"] == IMAGE


def test_nothing_waits_for_the_daemon() -> None:
    assert "depends_on" not in service()


def test_the_service_is_published_on_the_loopback_alone() -> None:
    assert service()["ports"] == [f"127.0.0.1:4567:{CONTAINER_PORT}"]
    assert service(EMPTY | {"PORT": "8080"})["ports"] == [f"127.0.0.1:8080:{CONTAINER_PORT}"]
    assert "ports" not in daemon()


@pytest.mark.parametrize("name", [CONTAINER_NAME, XRAY_DAEMON_CONTAINER_NAME])
def test_a_container_can_neither_write_its_root_nor_gain_a_privilege(name: str) -> None:
    container = compose.services(EMPTY)[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]


def test_the_service_has_as_long_to_stop_as_ecs_gives_it() -> None:
    assert service()["stop_grace_period"] == f"{STOP_TIMEOUT_SECONDS}s"
