"""Installed without extras, the package observes an app; a sink whose package is absent is off, and says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.conftest import Installation
from tests.telemetry.backends import FakeBackends, eventually

pytestmark = pytest.mark.timeout(600)

APP = """
import json, sys
import flask_onetrace
from flask import Flask

app = Flask("shop")
telemetry = flask_onetrace.init_app(app)

@app.get("/items")
def items():
    with flask_onetrace.span("look up", shelf=3):
        return {"items": []}
"""
DRIVER = f"""{APP}
response = app.test_client().get("/items", buffered=True)
assert telemetry.shutdown()
sinks = {{sink.name: sink.status() for sink in telemetry.sinks}}
print(json.dumps([response.status_code, response.headers["X-Trace-Id"], sinks, sorted(sys.modules)]))
"""
SDKS = {"boto3", "botocore", "watchtower", "rollbar", "aws-xray-sdk", "protobuf", "pyjwt", "cryptography", "gunicorn"}
SETTINGS = {
    "ROLLBAR_ACCESS_TOKEN": ("rollbar", "rollbar", "a-token"),
    "CLOUDWATCH_LOG_GROUP": ("cloudwatch", "cloudwatch", "shop"),
    "AWS_XRAY_DAEMON_ADDRESS": ("xray", "xray", "127.0.0.1:9"),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("honeycomb", "honeycomb", "http/protobuf"),
}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


def warnings(stderr: str) -> list[str]:
    lines = [json.loads(line) for line in stderr.splitlines() if line.startswith("{") and line.endswith("}")]
    return [line["message"] for line in lines if line["level"] == "WARNING"]


def test_no_sdk_of_a_sink_is_installed_and_the_versions_fit(bare: Installation) -> None:
    installed = bare.versions().keys()
    assert "flask-onetrace" in installed
    assert installed & SDKS == set()
    assert len(installed) < 20
    bare.check()


def test_a_request_has_its_trace_id_and_its_spans_on_the_console(bare: Installation) -> None:
    process = bare.run(DRIVER, {"OTEL_TRACES_EXPORTER": "console", "OTEL_SERVICE_NAME": "orders"})
    status, trace_id, sinks, _ = json.loads(process.stdout)
    assert status == 200
    assert {name for name, each in sinks.items() if each["on"]} == {"console"}
    decoder, spans, text = json.JSONDecoder(), [], process.stderr
    while (start := text.find("{\n")) >= 0:
        span, end = decoder.raw_decode(text[start:])
        spans.append(span)
        text = text[start + end :]
    assert [each["name"] for each in spans] == ["look up", "GET /items"]
    assert {each["context"]["trace_id"] for each in spans} == {f"0x{trace_id}"}
    assert {each["resource"]["attributes"]["service.name"] for each in spans} == {"orders"}


def test_spans_reach_honeycomb_without_any_extra(bare: Installation, backends: FakeBackends) -> None:
    _, trace_id, _, modules = bare.result(DRIVER, {**backends.honeycomb, "LOG_CONSOLE": "false"})
    spans = eventually(lambda: backends.spans(trace_id), 2)
    assert {each["name"] for each in spans} == {"look up", "GET /items"}
    assert {each["resource"]["service.name"] for each in spans} == {"shop"}
    assert "tests" not in modules


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_sink_without_its_package_is_off_and_one_warning_names_the_setting_and_the_remedy(
    setting: str, bare: Installation
) -> None:
    sink, extra, value = SETTINGS[setting]
    process = bare.run(DRIVER, {**(ENDPOINT if sink == "honeycomb" else {}), setting: value})
    status, trace_id, sinks, _ = json.loads(process.stdout)
    remedy = f'pip install "Flask-OneTrace[{extra}]"'
    assert (status, len(trace_id)) == (200, 32)
    assert sinks[sink]["on"] is False
    assert sinks[sink]["because"].endswith(remedy)
    [warning] = warnings(process.stderr)
    assert warning.startswith(setting)
    assert warning.endswith(remedy)
    assert "a-token" not in process.stderr


def test_a_load_balancers_claims_that_cannot_be_verified_name_nobody(bare: Installation) -> None:
    variables = {
        "ALB_ARN": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188",
        "ALB_OIDC_ISSUER": "https://idp.example.com",
        "ALB_OIDC_CLIENT_ID": "shop",
        "TRUST_USER_HEADER": "true",
    }
    process = bare.run(
        f"{APP}\napp.test_client().get('/items', headers={{'X-User': 'gowron'}}, buffered=True)", variables
    )
    assert "gowron" not in process.stderr
    assert "ALB_ARN is set, but every user is anonymous" in process.stderr
    assert 'pip install "Flask-OneTrace[alb]"' in process.stderr


def test_the_relay_is_off_where_no_span_of_a_browser_can_be_read(bare: Installation) -> None:
    program = f"""{APP}
from flask_onetrace.relay import routes
routes.register(app, flask_onetrace.Settings.from_env({{}}))
response = app.test_client().post("/v1/traces", json={{}}, headers={{"Origin": "http://localhost"}})
print(json.dumps([response.status_code, response.json]))
"""
    status, body = bare.result(program)
    assert status == 404
    assert 'pip install "Flask-OneTrace[honeycomb]"' in body["message"]


def test_every_module_that_no_extra_belongs_to_can_be_imported(bare: Installation) -> None:
    program = """
import importlib, json, pkgutil
import flask_onetrace
failed = {}
for each in pkgutil.walk_packages(flask_onetrace.__path__, "flask_onetrace.", onerror=lambda name: None):
    try:
        importlib.import_module(each.name)
    except ImportError as error:
        failed[each.name] = error.name.partition(".")[0]
print(json.dumps(failed))
"""
    failed = bare.result(program)
    homes = {
        "flask_onetrace.telemetry.sinks.rollbar.": {"rollbar"},
        "flask_onetrace.telemetry.sinks.cloudwatch.": {"botocore", "watchtower"},
        "flask_onetrace.telemetry.sinks.xray.": {"botocore"},
        "flask_onetrace.telemetry.xray_sdk.": {"aws_xray_sdk"},
        "flask_onetrace.telemetry.sampling.": {"botocore"},
        "flask_onetrace.server.": {"gunicorn"},
    }
    unexpected = {
        name: missing
        for name, missing in failed.items()
        if not any(name.startswith(home) and missing in packages for home, packages in homes.items())
    }
    assert unexpected == {}
    assert failed


@pytest.fixture
def broken_instrumentation(bare: Installation) -> Iterator[str]:
    """A distribution whose instrumentation raises when it is imported, and the library that it is for."""
    info = bare.folder / "fragile_instrumentation-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile-instrumentation\nVersion: 1.0\n")
    entry_point = "[opentelemetry_instrumentor]\nfragile = fragile_instrumentation:Instrumentor\n"
    (info / "entry_points.txt").write_text(entry_point)
    (bare.folder / "fragile_instrumentation.py").write_text("raise RuntimeError('made for another version')\n")
    (bare.folder / "fragile.py").write_text("ANSWER = 42\n")
    yield "fragile"
    shutil.rmtree(info)
    for name in ("fragile_instrumentation.py", "fragile.py"):
        (bare.folder / name).unlink()


def test_an_instrumentation_that_cannot_be_imported_costs_a_warning_that_names_it(
    bare: Installation, broken_instrumentation: str
) -> None:
    program = f"""{APP}
import {broken_instrumentation}
response = app.test_client().get("/items", buffered=True)
assert telemetry.shutdown()
print(json.dumps([response.status_code, {broken_instrumentation}.ANSWER]))
"""
    process = bare.run(program)
    assert json.loads(process.stdout) == [200, 42]
    [warning] = warnings(process.stderr)
    assert warning.startswith(f"calls of {broken_instrumentation} are not traced")
    assert "made for another version" in warning


CLIENT = """
import flask_onetrace
from flask import Flask
from flask_onetrace import OneTrace, Settings, SettingsError, Telemetry, TelemetryConfig

onetrace = OneTrace()


def create_app() -> Flask:
    app = Flask(__name__)
    onetrace.init_app(app)
    return app


def observe(app: Flask) -> Telemetry:
    try:
        return flask_onetrace.init_app(app, Settings.from_env({"OTEL_SERVICE_NAME": "orders"}))
    except SettingsError as error:
        raise SystemExit(error.problems[0]) from error


def handler() -> str | None:
    flask_onetrace.identify(42)
    flask_onetrace.annotate(card="visa")
    with flask_onetrace.job("nightly"), flask_onetrace.span("charge", amount=12):
        length: int = flask_onetrace.carry(len)("abc")
    config = TelemetryConfig(service_name="orders", access_logger="access", trace_id_header=str(length))
    Telemetry(config).install(Flask(__name__))
    return flask_onetrace.trace_id()
"""


@pytest.mark.parametrize(("line", "errors"), [("", 0), ("flask_onetrace.span(12)\n", 1)], ids=["right", "wrong"])
def test_a_strict_type_checker_knows_the_types_of_what_is_exported(
    line: str, errors: int, bare: Installation, tmp_path: Path
) -> None:
    (tmp_path / "client.py").write_text(CLIENT + line)
    options = ["--strict", "--config-file", os.devnull, "--cache-dir", str(tmp_path / "cache")]
    process = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--python-executable", str(bare.python), "client.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.stdout.count("error:") == errors, process.stdout
    assert process.returncode == (1 if errors else 0), process.stdout + process.stderr


def test_the_runtime_observes_an_unmodified_app(bare: Installation) -> None:
    (bare.folder / "stall.py").write_text("from flask import Flask\napp = Flask('stall')\n")
    program = """
import json
from flask_onetrace.wsgi import build

client = build().test_client()
health = client.get("/_onetrace/health?detail").get_json()
print(json.dumps([health["status"], client.get("/_onetrace/probe").status_code]))
"""
    assert bare.result(program, {"FLASK_APP": str(bare.folder / "stall.py"), "LOG_CONSOLE": "false"}) == ["ok", 200]
