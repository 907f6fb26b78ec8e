"""The libraries of a sink, and those that verify users' claims, are imported only when their settings are there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.container.compose import ROOT
from tests.telemetry.authentication.tokens import SIGNER

SDKS = ("rollbar", "watchtower", "boto3", "botocore", "aws_xray_sdk", "google.protobuf", "jwt", "cryptography")
PROGRAM = """
import json, sys
from service.factory import create_app
from flask_onetrace.settings import Settings
app = create_app(Settings.from_env({"HEALTH_CHECK_PATH": "/api/health-check", **json.loads(sys.argv[1])}))
assert app.test_client().get("/api/health-check").status_code == 200
print(json.dumps([name for name in json.loads(sys.argv[2]) if name in sys.modules]))
"""


def imported(program: str, *arguments: object) -> list[str]:
    command = [sys.executable, "-c", program, *map(json.dumps, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    names: list[str] = json.loads(result.stdout.splitlines()[-1])
    return names


@pytest.mark.parametrize(
    ("environment", "sdks"),
    [
        ({}, []),
        ({"XRAY_SAMPLING_RULE": '{"RuleName":"r","FixedRate":1,"ReservoirSize":1,"ServiceName":"Backend*"}'}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, []),
        ({"ROLLBAR_ACCESS_TOKEN": "fake-token"}, ["rollbar"]),
        ({"ROLLBAR_ACCESS_TOKEN": "replace-me"}, []),
        ({"CLOUDWATCH_LOG_GROUP": "group"}, ["watchtower", "boto3", "botocore"]),
        ({"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9"}, ["botocore", "aws_xray_sdk"]),
        (SIGNER, ["jwt", "cryptography"]),
    ],
    ids=lambda value: "+".join(value) or "none",
)
def test_an_app_imports_the_sdks_of_the_sinks_that_are_on(environment: dict[str, str], sdks: list[str]) -> None:
    assert imported(PROGRAM, environment, SDKS) == sdks


def test_the_x_ray_sdk_works_when_a_handler_is_the_first_to_import_it() -> None:
    program = """
import json
from flask_onetrace import telemetry
from service.factory import create_app
from flask_onetrace.settings import Settings
app = create_app(Settings.from_env({"LOG_CONSOLE": "false"}))
@app.get("/late")
def late():
    from aws_xray_sdk.core import xray_recorder
    return [type(xray_recorder.context).__name__]
print(json.dumps(app.test_client().get("/late").json))
"""
    assert imported(program) == ["ScopedContext"]


def test_settings_and_health_check_import_neither_flask_nor_opentelemetry() -> None:
    program = """
import json, sys
import flask_onetrace.healthcheck, flask_onetrace.settings, flask_onetrace.contract
print(json.dumps([name for name in ("flask", "opentelemetry", "requests") if name in sys.modules]))
"""
    assert imported(program) == []
