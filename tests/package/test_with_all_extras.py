"""Installed with every extra and served by gunicorn, an app is in all four sinks under one trace id."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from packaging.version import Version

from flask_onetrace.contract import SERVER_APP, SERVER_CONFIG
from tests.package.conftest import Installation, metadata_of, requirements
from tests.telemetry.backends import FakeBackends, eventually

pytestmark = pytest.mark.timeout(600)

SHOP = """
import logging
import flask_onetrace
from flask import Flask

onetrace = flask_onetrace.OneTrace()

def create_app():
    app = Flask(__name__)
    onetrace.init_app(app)
    app.get("/ready")(lambda: "ready")

    @app.get("/charge/<int:amount>")
    def charge(amount):
        logging.getLogger("shop").warning("charging %d", amount)
        flask_onetrace.identify("worf")
        with flask_onetrace.span("charge the card", amount=amount):
            raise RuntimeError("card declined")

    return app
"""
START_SECONDS = 60


@contextmanager
def served(full: Installation, app: str, variables: dict[str, str]) -> Iterator[str]:
    """Serve the shop, `app`, by gunicorn with the wheel's configuration; return its URL."""
    (full.folder / "shop.py").write_text(SHOP)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gunicorn = [str(full.python.with_name("gunicorn")), "--config", SERVER_CONFIG]
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), **variables}
    process = subprocess.Popen([*gunicorn, app], cwd=full.folder, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(requests.ConnectionError):
                assert requests.get(f"{url}/ready", timeout=START_SECONDS).text == "ready"
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def test_the_versions_of_all_extras_fit_together(full: Installation) -> None:
    full.check()
    wanted = {"boto3", "watchtower", "rollbar", "aws-xray-sdk", "gunicorn", "pyjwt", "cryptography"}
    assert wanted <= full.versions().keys()


def test_every_lower_bound_is_a_version_that_is_tested(full: Installation, wheel: Path) -> None:
    installed = full.versions()
    needed = requirements(metadata_of(wheel), "all")
    bounds = {
        each.name: next(Version(part.version) for part in each.specifier if part.operator == ">=") for each in needed
    }
    at_bound = {name for name, bound in bounds.items() if installed[name].release[:2] == (*bound.release, 0)[:2]}
    if full.resolution == "lowest-direct":
        assert at_bound == bounds.keys()
    else:
        assert at_bound < bounds.keys()


@pytest.mark.parametrize("app", ["shop:create_app()", SERVER_APP])
def test_a_request_is_in_all_four_sinks_under_one_trace_id_and_the_services_name(
    full: Installation, backends: FakeBackends, app: str
) -> None:
    variables = {**backends.environment, **backends.aws, "OTEL_SERVICE_NAME": "orders", "FLASK_APP": "shop"}
    with served(full, app, variables) as url:
        response = requests.get(f"{url}/charge/12", timeout=30)
        trace_id = response.headers["X-Trace-Id"]
        spans = eventually(lambda: backends.spans(trace_id), 2)
        segments = eventually(lambda: backends.segments_of(trace_id), 1)
        lines = eventually(lambda: backends.lines_of(trace_id), 3)
        items = eventually(lambda: backends.items(trace_id), 1)
    assert response.status_code == 500
    assert {each["name"] for each in spans} == {"GET /charge/<int:amount>", "charge the card"}
    assert {each["resource"]["service.name"] for each in spans} == {"orders"}
    [segment] = segments
    assert (segment["name"], segment["user"], segment["fault"]) == ("orders", "worf", True)
    assert {"charging 12", "GET /charge/12 500"} <= {each["message"] for each in lines}
    [item] = items
    assert item["custom"]["trace_id"] == trace_id
