"""An exception that the application reports by Rollbar's SDK too is one item."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rollbar
import rollbar.contrib.flask
from flask import Flask, got_request_exception

from flask_onetrace import init_app
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from tests.telemetry.backends import FakeBackends
from tests.telemetry.tracing import flush

SHARED = LookupError("the same object each time")


@pytest.fixture(params=["the application first", "telemetry first"])
def app(request: pytest.FixtureRequest, backends: FakeBackends) -> Iterator[Flask]:
    app = Flask("shop")
    if request.param == "telemetry first":
        init_app(app, Settings.from_env({**backends.rollbar, "LOG_CONSOLE": "false"}))
    # As Rollbar's documentation has it for Flask.
    got_request_exception.connect(rollbar.contrib.flask.report_exception, app)
    if request.param == "the application first":
        init_app(app, Settings.from_env({**backends.rollbar, "LOG_CONSOLE": "false"}))

    @app.get("/fail")
    def fail() -> str:
        raise SHARED

    @app.get("/handled")
    def handled() -> str:
        try:
            int("no number")
        except ValueError:
            rollbar.report_exc_info()
            rollbar.report_exc_info(extra_data={"attempt": 2})
        return "handled"

    yield app
    app.extensions[EXTENSION].shutdown()


def items_of(app: Flask, backends: FakeBackends, path: str) -> int:
    with app.test_client().get(path, buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    flush(app)
    return len(backends.items(trace_id))


def test_an_unhandled_exception_is_one_item_in_each_request(app: Flask, backends: FakeBackends) -> None:
    assert [items_of(app, backends, "/fail") for _ in range(2)] == [1, 1]


def test_what_the_application_reports_of_a_handled_exception_is_left_as_it_is(
    app: Flask, backends: FakeBackends
) -> None:
    assert items_of(app, backends, "/handled") == 2
