"""An environment that was written for other tools starts every application, or ends in one message."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import opentelemetry.environment_variables
import opentelemetry.sdk.environment_variables
import pytest

from flask_onetrace import worker_message
from flask_onetrace.contract import Variable
from flask_onetrace.extension import SERVER_VARIABLES
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import library_environment
from flask_onetrace.worker_message import APP_LOAD_ERROR
from tests.telemetry.gunicorn_server import ROOT, Server, environment, serve
from tests.telemetry.runtime.apps import write
from tests.unit.settings_messages import messages_of

HEALTH = "/_onetrace/health"
VALUES = {
    "empty": "",
    "spaces": " \t ",
    "words": "two words",
    "unicode": "bücher ✓",
    "no UTF-8": os.fsdecode(b"caf\xe9"),
    "control characters": "a\nb\x1b[31m\x7f",
    "very long": "x" * 100_000,
    "URL": "http://127.0.0.1:9/path?a=b#c",
    "credentials": "https://user:sentinel-passw0rd@[127.0.0.1]:9",
    "host": "collector:4317",
    "link": "tcp://10.0.0.1:80",
    "zero": "0",
    "negative": "-1",
    "number": "9" * 5000,
    "decimal": "1e999",
    "not a number": "nan",
    "template": "${SENTINEL}",
    "JSON": '{"a": [1, null]}',
    "deep JSON": "[" * 50_000,
    "path": "/var/run/../x.sock",
    "wildcard": "*",
    "word": "auto",
    "pairs": "a=b,c",
    "commas": ",,,",
}
SHARED = {
    name
    for each in fields(Settings)
    if each.metadata and each.metadata["substitute"] is not None
    for name in (each.metadata["variable"], each.metadata["fallback"])
    if name is not None
}
ONE_LINE = 1000
FOR_OTHER_TOOLS = {
    "LOG_LEVEL": "verbose",
    "SERVICE_VERSION": "v" * 41,
    "FRONTEND_URL": "*",
    "WEB_CONCURRENCY": "auto",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317",
    "OTEL_TRACES_EXPORTER": "zipkin",
    "OTEL_PROPAGATORS": "b3",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many",
    "AWS_REGION": "local",
    "AWS_XRAY_DAEMON_ADDRESS": "xray-daemon",
}


def check(name: str, messages: tuple[str, ...]) -> None:
    """Check that the messages name the variable, say what to do, show no secret, and fit on a line each."""
    for message in messages:
        assert message.startswith((f"{name}: ", "ALB_")), message
        assert ": set " in message or ": use " in message or ": paste " in message or "must be" in message, message
        assert "sentinel-passw0rd" not in message
        assert "\n" not in message
        assert "\x1b" not in message
        assert len(message) < ONE_LINE
        message.encode()


@pytest.mark.parametrize("name", Variable)
def test_each_value_is_read_or_has_one_message_and_a_shared_variable_never_stops_the_process(name: str) -> None:
    for value in VALUES.values():
        messages = messages_of({name: value})
        assert len(messages) <= 2
        assert all(("(used instead: " in message) == (name in SHARED) for message in messages), messages
        check(name, messages)


@pytest.mark.parametrize("name", Variable)
def test_gunicorns_configuration_is_read_or_ends_with_one_message(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in VALUES.values():
        monkeypatch.setattr(worker_message, "load_error", worker_message.WorkerMessage())
        monkeypatch.setenv(name, value)
        code: object = 0
        try:
            runpy.run_path("flask_onetrace/gunicorn_conf.py")
        except SystemExit as end:
            code = end.code
        lines = capsys.readouterr().err.splitlines()
        assert (code, lines[:1]) in ((0, []), (APP_LOAD_ERROR, ["invalid settings:"]))
        assert code == 0 or name not in SHARED
        check(name, tuple(each.strip() for each in lines[1:]))


def test_init_app_raises_our_error_for_our_variables_and_nothing_for_shared_ones() -> None:
    program = """
import json, os, sys
import flask_onetrace
from flask import Flask
outcomes = []
for name, values in json.load(sys.stdin).items():
    for value in values:
        os.environ[name] = value
        app = Flask("shop")
        try:
            telemetry = flask_onetrace.init_app(app)
            outcomes.append((name, None, list(telemetry.config.unusable_variables.values())))
            telemetry.shutdown(0.0)
        except flask_onetrace.SettingsError as error:
            outcomes.append((name, "SettingsError", error.problems))
        del os.environ[name]
print(json.dumps(outcomes))
"""
    texts = [value for key, value in VALUES.items() if key != "no UTF-8"]  # JSON has no such text
    process = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(dict.fromkeys(Variable, texts)),
        env=environment({"PYTHONPATH": str(ROOT), "LOG_CONSOLE": "false"}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert process.returncode == 0, process.stderr
    outcomes = json.loads(process.stdout.splitlines()[-1])
    assert len(outcomes) == len(Variable) * len(texts)
    for name, error, messages in outcomes:
        assert error is None or name not in SHARED | SERVER_VARIABLES, messages
        check(name, tuple(messages))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("shop")
    write(folder, "shop.py", "from flask import Flask\napp = Flask('shop')")
    variables = {**FOR_OTHER_TOOLS, "FLASK_APP": "shop", "HEALTH_CHECK_PATH": HEALTH}
    command = [sys.executable, "-m", "flask_onetrace"]
    with serve(variables, folder=folder, start=command) as server:
        yield server


@pytest.mark.usefixtures("socket_enabled")
def test_an_environment_of_other_tools_starts_the_application_with_a_warning_for_each(server: Server) -> None:
    health = server.get(HEALTH).json()
    detail = server.get(f"{HEALTH}?detail").json()
    code, _, output = server.stop()
    assert code == 0
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    warnings = [line["message"] for line in lines if line["level"] == "WARNING"]
    assert {each.partition(":")[0] for each in warnings} >= set(FOR_OTHER_TOOLS)
    assert "Traceback" not in output
    assert health["unusable_variables"] == sorted(FOR_OTHER_TOOLS)
    assert health["version"] == "v" * 40
    assert health["sinks"]["honeycomb"]["because"] == "OTEL_EXPORTER_OTLP_ENDPOINT cannot be used"
    assert health["sinks"]["xray"]["because"] == "AWS_XRAY_DAEMON_ADDRESS cannot be used"
    assert set(detail["unusable_variables"].values()) <= set(warnings)


def test_without_gunicorn_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gunicorn.app.wsgiapp", None)
    with pytest.raises(SystemExit, match=r'pip install "Flask-OneTrace\[server\]"'):
        runpy.run_module("flask_onetrace", run_name="__main__")


def test_no_variable_of_opentelemetrys_own_stops_it_or_a_librarys_calls_from_being_traced() -> None:
    modules = (opentelemetry.environment_variables, opentelemetry.sdk.environment_variables)
    names = {value for each in modules for name, value in vars(each).items() if name.startswith("OTEL_")}
    names |= {"OTEL_PYTHON_EXCLUDED_URLS", "OTEL_PYTHON_REQUESTS_EXCLUDED_URLS"}
    program = """
import json, os
import flask_onetrace
from flask import Flask
from flask_onetrace.telemetry import instrumentations
app = Flask("shop")
telemetry = flask_onetrace.init_app(app)
import httpx, requests, sqlalchemy
app.get("/")(flask_onetrace.trace_id)
response = app.test_client().get("/", buffered=True)
telemetry.shutdown()
off = [state for state in instrumentations.detail().values() if state.startswith("off")]
unusable = sorted(telemetry.config.unusable_variables)
print(json.dumps([response.status_code, off, unusable, os.environ["OTEL_PROPAGATORS"]]))
"""
    for value in ("no such [thing", ""):
        process = subprocess.run(
            [sys.executable, "-c", program],
            env=environment({"PYTHONPATH": str(ROOT), **dict.fromkeys(names, value)}),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert process.returncode == 0, process.stderr
        assert "Traceback" not in process.stderr
        status, off, unusable, propagators = json.loads(process.stdout)
        assert (status, off, propagators) == (200, [], value)
        assert (len(unusable) > 12) == bool(value)


@pytest.mark.parametrize("address", ["[::1]:9", "tcp:127.0.0.1:9  udp:127.0.0.1:9"])
def test_an_address_that_the_xray_sdk_cannot_read_is_one_for_the_sink(address: str) -> None:
    program = """
import flask_onetrace
from flask import Flask
telemetry = flask_onetrace.init_app(Flask("shop"))
from aws_xray_sdk.core import xray_recorder
assert telemetry.sink("xray").on
telemetry.shutdown()
"""
    variables = environment({"PYTHONPATH": str(ROOT), "AWS_XRAY_DAEMON_ADDRESS": address})
    subprocess.run([sys.executable, "-c", program], env=variables, cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "usable", "others"),
    [
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", ["0", " 128 ", ""], ["-1", "many", "9" * 50, "9" * 5000]),
        ("OTEL_PROPAGATORS", ["tracecontext", "xray, baggage", ""], ["b3", "tracecontext,", "none", " "]),
        ("OTEL_PYTHON_CONTEXT", ["contextvars_context", ""], ["threads"]),
        ("OTEL_PYTHON_METER_PROVIDER", ["sdk_meter_provider"], ["", "prometheus"]),
        ("OTEL_PYTHON_REQUESTS_EXCLUDED_URLS", ["", "healthz, /x.*"], ["[", "*"]),
    ],
)
def test_what_opentelemetry_cannot_use_is_hidden_from_it_and_from_nothing_else(
    name: str, usable: list[str], others: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in usable + others:
        monkeypatch.setenv(name, value)
        assert (name in library_environment.unusable(os.environ)) == (value in others), value
        with library_environment.without_failing_variables():
            assert (name in os.environ) == (value in usable)
        assert os.environ[name] == value
    assert library_environment.unusable({"OTEL_SERVICE_NAME": "many", name: usable[0]}) == {}


def test_a_credential_in_a_shared_variable_that_cannot_be_used_is_redacted() -> None:
    texts = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-honeycomb-team=sentinel-of-team, Bearer sentinel-of-bearer",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:sentinel-of-url@127.0.0.1:4318",
    }
    secrets = {value for values in Settings.from_env(texts).secrets().values() for value in values}
    assert {"sentinel-of-team", "Bearer sentinel-of-bearer", "sentinel-of-url"} <= secrets


def test_every_shared_variable_is_in_the_table_of_the_docs() -> None:
    text = Path("docs/adopt.md").read_text(encoding="utf-8")
    assert [name for name in sorted(SHARED) if f"`{name}`" not in text] == []
