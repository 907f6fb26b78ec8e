"""The runtime's paths are answered in front of an application, which stays as it is, and are traced like its own."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask

from flask_onetrace import Settings, init_app
from flask_onetrace.contract import SLOW_SECONDS
from flask_onetrace.telemetry import EXTENSION
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.runtime.apps import Load, write
from tests.telemetry.tracing import flush, telemetry_of

CLOSED = """
    from flask import Flask, abort

    app = Flask("closed")

    @app.before_request
    def log_in():
        abort(401)

    @app.errorhandler(Exception)
    def handle(error):
        return "handled", 418

    @app.get("/<path:anything>")
    def catch_all(anything):
        return anything
"""
MOUNTED = """
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.middleware.proxy_fix import ProxyFix

    app, admin = Flask("shop"), Flask("admin")
    app.get("/")(lambda: "shop")
    admin.get("/fail")(lambda: 1 / 0)
    app.wsgi_app = ProxyFix(DispatcherMiddleware(app.wsgi_app, {"/admin": admin}))
"""
OWN = """
    from flask import Flask
    from flask_onetrace.settings import Settings
    from flask_onetrace.telemetry import Telemetry
    from flask_onetrace.telemetry_config import telemetry_config

    app = Flask("own")
    app.get("/")(lambda: "own")
    telemetry = Telemetry(telemetry_config(Settings.from_env()))
    telemetry.install(app)
"""


def get(app: Flask, path: str) -> tuple[int, str]:
    """Return the status and the trace id of a response, which was traced if it has one."""
    with app.test_client().get(path, buffered=True) as response:
        return response.status_code, response.headers.get("X-Trace-Id", "")


@pytest.fixture
def closed(load: Load, folder: Path) -> Flask:
    write(folder, "runtime_closed.py", CLOSED)
    return load("runtime_closed", FAULT_ROUTES="true")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/_onetrace/health", 200), ("/_onetrace/probe", 200), ("/_onetrace/fault", 500), ("/_onetrace/other", 418)],
)
def test_neither_a_login_nor_an_error_handler_sees_the_runtimes_paths(closed: Flask, path: str, status: int) -> None:
    assert get(closed, path)[0] == status


def test_a_slow_request_is_slow_and_a_process_answers_one_at_a_time(closed: Flask, backends: FakeBackends) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        started = time.monotonic()
        first = pool.submit(get, closed, "/_onetrace/slow")
        time.sleep(0.3)
        assert get(closed, "/_onetrace/slow")[0] == 429
        status, trace_id = first.result()
        assert status == 200
        assert time.monotonic() - started >= SLOW_SECONDS
    assert get(closed, "/_onetrace/slow")[0] == 200
    flush(closed)
    spans = {each["name"]: each for each in backends.spans(trace_id)}
    assert set(spans) == {"GET /_onetrace/slow", "wait"}
    assert spans["wait"]["parent_span_id"] == spans["GET /_onetrace/slow"]["span_id"]


@pytest.mark.parametrize("path", ["/_onetrace/fault", "/_onetrace/slow"])
def test_without_fault_routes_the_application_answers(load: Load, folder: Path, path: str) -> None:
    write(folder, "runtime_closed.py", CLOSED)
    assert get(load("runtime_closed", FAULT_ROUTES="false"), path)[0] == 418


def test_the_application_has_no_rule_hook_or_handler_more_than_its_own(closed: Flask) -> None:
    assert sorted(rule.rule for rule in closed.url_map.iter_rules()) == ["/<path:anything>", "/static/<path:filename>"]
    assert len(closed.before_request_funcs[None]) == 1
    assert [closed.after_request_funcs, closed.teardown_request_funcs, closed.blueprints] == [{}, {}, {}]
    assert set(closed.extensions) == {EXTENSION}


def test_a_probe_is_a_span_a_segment_and_a_line(closed: Flask, backends: FakeBackends) -> None:
    status, trace_id = get(closed, "/_onetrace/probe")
    flush(closed)
    [span], [line] = backends.spans(trace_id), backends.lines_of(trace_id)
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert (status, span["name"], segment["http"]["response"]["status"]) == (200, "GET /_onetrace/probe", 200)
    assert (line["route"], line["status"]) == ("/_onetrace/probe", 200)
    assert backends.items(trace_id) == []


def test_a_fault_is_in_every_sink_under_one_trace_id(closed: Flask, backends: FakeBackends) -> None:
    _, trace_id = get(closed, "/_onetrace/fault")
    flush(closed)
    [span], [item] = backends.spans(trace_id), backends.items(trace_id)
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert span["attributes"]["error.type"] == "DeliberateError"
    assert segment["fault"] is True
    assert item["body"]["trace"]["exception"]["class"] == "DeliberateError"
    assert {line["level"] for line in backends.lines_of(trace_id)} == {"ERROR"}


def test_a_fault_is_answered_only_where_the_settings_allow_it(load: Load, folder: Path) -> None:
    write(folder, "runtime_closed.py", CLOSED)
    assert get(load("runtime_closed"), "/_onetrace/fault")[0] == 418


def test_a_health_check_writes_no_line(closed: Flask, backends: FakeBackends) -> None:
    _, trace_id = get(closed, "/_onetrace/health")
    flush(closed)
    assert backends.lines_of(trace_id) == []


def test_the_health_check_shows_the_applications_telemetry(closed: Flask) -> None:
    health = closed.test_client().get("/_onetrace/health?detail").get_json()
    assert health["status"] == "ok"
    assert health["sinks"]["honeycomb"]["on"] is True
    assert "worker" in health


def test_an_error_of_a_mounted_application_is_in_every_sink(load: Load, folder: Path, backends: FakeBackends) -> None:
    write(folder, "runtime_mounted.py", MOUNTED)
    app = load("runtime_mounted:app")
    status, trace_id = get(app, "/admin/fail")
    flush(app)
    assert status == 500
    [span], [item] = backends.spans(trace_id), backends.items(trace_id)
    assert span["attributes"]["error.type"] == "ZeroDivisionError"
    assert item["body"]["trace"]["exception"]["class"] == "ZeroDivisionError"
    assert get(app, "/_onetrace/probe")[0] == get(app, "/")[0] == 200


def test_an_error_of_a_mounted_application_is_reported_with_init_app_too(
    folder: Path, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "runtime_mounted_own.py", MOUNTED)
    monkeypatch.syspath_prepend(folder)
    app: Flask = import_module("runtime_mounted_own").app
    init_app(app, Settings.from_env({**backends.environment, "LOG_CONSOLE": "false"}))
    _, trace_id = get(app, "/admin/fail")
    flush(app)
    [item] = backends.items(trace_id)
    assert item["body"]["trace"]["exception"]["class"] == "ZeroDivisionError"
    app.extensions[EXTENSION].shutdown()


def test_an_application_with_telemetry_of_its_own_keeps_it(
    load: Load, folder: Path, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in backends.environment.items():
        monkeypatch.setenv(name, value)
    write(folder, "runtime_own.py", OWN)
    app = load("runtime_own:app")
    assert app.extensions[EXTENSION] is sys.modules["runtime_own"].telemetry
    for path in ("/", "/_onetrace/probe"):
        status, trace_id = get(app, path)
        flush(app)
        assert (status, len(backends.spans(trace_id))) == (200, 1)


def test_the_service_is_named_after_the_application_unless_it_has_a_name(load: Load, folder: Path) -> None:
    write(folder, "runtime_closed.py", CLOSED)
    assert telemetry_of(load("runtime_closed")).config.service_name == "closed"
    write(folder, "runtime_named.py", CLOSED)
    assert telemetry_of(load("runtime_named", OTEL_SERVICE_NAME="shop")).config.service_name == "shop"
