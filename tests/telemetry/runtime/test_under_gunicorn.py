"""The real gunicorn serves an application from its own folder, and stops where that cannot be loaded."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flask_onetrace import wsgi
from flask_onetrace.worker_message import APP_LOAD_ERROR
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.gunicorn_server import ROOT, command, environment, serve
from tests.telemetry.runtime.apps import write

HEALTH = "/_onetrace/health"
LOGGING = """
    import logging.config

    from flask import Flask

    logging.getLogger("shop").warning("before")
    logging.config.dictConfig({"version": 1, "root": {"level": "INFO"}})
    app = Flask("shop")
    app.get("/")(lambda: logging.getLogger("shop.orders").info("an order") or "shop")
"""
BY_NAME = """
    from flask import Flask
    from psycopg2 import connect

    app = Flask("shop")
    app.get("/")(lambda: str(hasattr(connect, "__wrapped__")))
"""
OPENTELEMETRY = """
    from flask import Flask
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    # As in "Instrumentation", OpenTelemetry's documentation for Python.
    trace.set_tracer_provider(TracerProvider())
    exporter = InMemorySpanExporter()
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
    tracer = trace.get_tracer("orders")
    app = Flask("orders")

    @app.get("/")
    def orders():
        with tracer.start_as_current_span("count"):
            return "0"

    app.get("/exported")(lambda: [span.name for span in exporter.get_finished_spans()])
"""
SCHEME = """
    from flask import Flask, request

    app = Flask("shop")
    app.get("/")(lambda: request.scheme)
"""
TUTORIAL = """
    import os

    import rollbar
    import rollbar.contrib.flask
    from aws_xray_sdk.core import xray_recorder
    from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
    from flask import Flask, got_request_exception
    from opentelemetry import trace
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())
    app = Flask("shop")
    FlaskInstrumentor().instrument_app(app)
    RequestsInstrumentor().instrument()
    xray_recorder.configure(service="backend-flask")
    XRayMiddleware(app, xray_recorder)
    rollbar.init(os.environ["ROLLBAR_ACCESS_TOKEN"], "production", allow_logging_basic_config=False)
    got_request_exception.connect(rollbar.contrib.flask.report_exception, app)

    @app.get("/fail")
    def fail():
        with xray_recorder.in_subsegment("look up"):
            raise LookupError("on purpose")
"""
OPTIONS = [("--workers", "1"), ("--workers", "2"), ("--workers", "1", "--preload"), ("--workers", "2", "--preload")]


def run(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run gunicorn in `folder` until it exits."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = environment({"PYTHONPATH": str(ROOT), "PORT": str(port), **variables})
    return subprocess.run(
        command(*options), cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_an_application_that_cannot_be_loaded_ends_gunicorn_with_one_message(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    write(tmp_path, "shop.py", "def create_app():\n    raise LookupError('no database')")
    process = run(tmp_path, *options, FLASK_APP="shop:create_app()")
    assert process.returncode == APP_LOAD_ERROR, process.stderr
    assert process.stderr.count("FLASK_APP='shop:create_app()' raises LookupError") == 1, process.stderr
    assert process.stderr.count("LookupError: no database") == 1, process.stderr


@pytest.mark.usefixtures("socket_enabled")
def test_a_secret_in_the_applications_error_is_not_printed(tmp_path: Path) -> None:
    write(tmp_path, "shop.py", "import os\nraise LookupError(f'no such user: {os.environ[\"DATABASE_URL\"]}')")
    process = run(tmp_path, FLASK_APP="shop", DATABASE_URL="postgresql://shop:sentinel-passw0rd@127.0.0.1/shop")
    assert process.returncode == APP_LOAD_ERROR
    assert "LookupError: no such user" in process.stderr
    assert "sentinel-passw0rd" not in process.stderr


@pytest.mark.usefixtures("socket_enabled")
def test_an_invalid_setting_is_named_by_gunicorns_configuration(tmp_path: Path) -> None:
    process = run(tmp_path, HEALTH_CHECK_PATH="health")
    assert process.returncode == APP_LOAD_ERROR
    assert process.stderr.count("HEALTH_CHECK_PATH: 'health' is not a path") == 1
    assert "Traceback" not in process.stderr


def test_an_invalid_setting_has_the_same_message_and_exit_code_without_that_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEALTH_CHECK_PATH", "health")
    with pytest.raises(SystemExit) as ended:
        wsgi.build()
    assert ended.value.code == APP_LOAD_ERROR
    assert "HEALTH_CHECK_PATH: 'health' is not a path" in capsys.readouterr().err


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(("peers", "scheme"), [("*", "https"), ("10.0.0.7", "http")])
def test_only_the_peers_that_gunicorn_is_told_choose_the_scheme(peers: str, scheme: str, tmp_path: Path) -> None:
    write(tmp_path, "shop.py", SCHEME)
    variables = {"FLASK_APP": "shop", "HEALTH_CHECK_PATH": HEALTH}
    options = {"GUNICORN_CMD_ARGS": f"--forwarded-allow-ips={peers}"}
    with serve({**variables, **options}, folder=tmp_path) as server:
        assert server.get("/", **{"X-Forwarded-Proto": "https"}).text == scheme


def test_the_container_is_healthy_where_its_application_has_no_health_check(
    backends: FakeBackends, tmp_path: Path
) -> None:
    write(tmp_path, "shop.py", LOGGING)
    variables = {**backends.environment, **backends.aws, "FLASK_APP": "shop", "HEALTH_CHECK_PATH": HEALTH}
    with serve(variables, folder=tmp_path) as server:
        check = [sys.executable, "-m", "flask_onetrace.healthcheck"]
        port = server.url.rpartition(":")[2]
        settings = environment({"PYTHONPATH": str(ROOT), "HEALTH_CHECK_PATH": HEALTH, "PORT": port})
        assert subprocess.run(check, cwd=tmp_path, env=settings, check=False, timeout=30).returncode == 0
        trace_id = server.get("/").headers["X-Trace-Id"]
        code, _, output = server.stop()
    assert code == 0
    # Its configuration of logging, at its import, silences neither its lines nor the runtime's.
    assert {line["logger"] for line in backends.lines_of(trace_id)} == {"shop.orders", "flask_onetrace.access"}
    assert "logging was configured" not in output


@pytest.mark.usefixtures("socket_enabled")
def test_what_an_application_imports_by_name_is_instrumented(tmp_path: Path) -> None:
    write(tmp_path, "shop.py", BY_NAME)
    with serve({"FLASK_APP": "shop", "HEALTH_CHECK_PATH": HEALTH}, folder=tmp_path) as server:
        assert server.get("/").text == "True"


def test_an_application_that_sets_up_opentelemetry_keeps_its_spans_and_they_are_in_these_traces(
    backends: FakeBackends, tmp_path: Path
) -> None:
    write(tmp_path, "shop.py", OPENTELEMETRY)
    variables = {**backends.environment, **backends.aws, "FLASK_APP": "shop", "HEALTH_CHECK_PATH": HEALTH}
    with serve(variables, folder=tmp_path) as server:
        trace_id = server.get("/").headers["X-Trace-Id"]
        exported = server.get("/exported").json()
        server.stop()
    assert {span["name"] for span in backends.spans(trace_id)} == {"GET /", "count"}
    assert exported == ["count"]


def test_an_application_with_the_tutorials_wiring_has_one_segment_and_one_item_of_a_failure(
    backends: FakeBackends, tmp_path: Path
) -> None:
    write(tmp_path, "shop.py", TUTORIAL)
    variables = {**backends.environment, **backends.aws, "FLASK_APP": "shop", "HEALTH_CHECK_PATH": HEALTH}
    with serve({**variables, "PYTHONWARNINGS": "ignore"}, folder=tmp_path) as server:
        trace_id = server.get("/fail").headers["X-Trace-Id"]
        server.stop()
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    [item] = backends.items(trace_id)
    assert segment["fault"] is True
    assert item["body"]["trace"]["exception"]["class"] == "LookupError"
    assert {"look up", "GET /fail"} == {span["name"] for span in backends.spans(trace_id)}
    assert [span["kind"] for span in backends.spans(trace_id)].count("server") == 1
