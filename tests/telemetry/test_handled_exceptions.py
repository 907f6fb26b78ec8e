"""A 5xx is found in every sink with its exception, though an error handler of the application's has answered it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest
import rollbar
from flask import Flask, abort
from werkzeug.exceptions import InternalServerError

from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import Telemetry
from flask_onetrace.telemetry_config import telemetry_config
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import flush

UNSAMPLED = {"XRAY_SAMPLING_RULE": '{"RuleName":"none","FixedRate":0,"ReservoirSize":0}'}


def shop(backends: FakeBackends, **variables: str) -> Flask:
    app = Flask("shop")
    Telemetry(telemetry_config(Settings.from_env({**backends.environment, **variables}))).install(app)

    @app.get("/fail/<kind>")
    def fail(kind: str) -> NoReturn:
        if kind == "abort":
            abort(503)
        raise LookupError(kind)

    return app


def answer(error: Exception) -> tuple[dict[str, str], int]:
    return {"error": str(error)}, 400 if str(error) == "client" else int(getattr(error, "code", 500))


def on_the_app(app: Flask) -> None:
    app.errorhandler(Exception)(answer)


def on_internal_server_errors(app: Flask) -> None:
    app.errorhandler(InternalServerError)(answer)


@pytest.fixture(autouse=True)
def _aws(make_app: AppFactory) -> None:
    """Set the variables that boto3 reads."""


@pytest.mark.parametrize("variables", [{}, UNSAMPLED], ids=["sampled", "unsampled"])
@pytest.mark.parametrize("handle", [on_the_app, on_internal_server_errors])
def test_a_500_of_an_error_handler_has_its_exception_in_all_four_places(
    backends: FakeBackends, handle: Callable[[Flask], None], variables: dict[str, str]
) -> None:
    app = shop(backends, **variables)
    handle(app)
    with app.test_client().get("/fail/no-tea", buffered=True) as response:
        assert response.status_code == 500
        trace_id = response.headers["X-Trace-Id"]
    flush(app)
    [item] = eventually(lambda: backends.items(trace_id), 1)
    assert item["body"]["trace"]["exception"]["class"] == "LookupError"
    [span] = backends.spans(trace_id)
    assert [each["attributes"]["exception.type"] for each in span["events"]] == ["LookupError"]
    assert span["attributes"]["rollbar.uuid"] == item["uuid"]
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert segment["cause"]["exceptions"][0]["type"] == "LookupError"
    exceptions = [line["exception"] for line in backends.lines_of(trace_id) if "exception" in line]
    assert [each.splitlines()[-1] for each in exceptions] == ["LookupError: no-tea"]
    app.extensions["onetrace"].shutdown()


@pytest.mark.parametrize(("path", "status"), [("client", 400), ("abort", 503)])
def test_what_is_no_failure_without_the_handler_is_none_with_it(backends: FakeBackends, path: str, status: int) -> None:
    app = shop(backends)
    on_the_app(app)
    with app.test_client().get(f"/fail/{path}", buffered=True) as response:
        assert response.status_code == status
        trace_id = response.headers["X-Trace-Id"]
    flush(app)
    [span] = backends.spans(trace_id)
    assert (span["events"], backends.items(trace_id)) == ([], [])
    app.extensions["onetrace"].shutdown()


def test_what_the_error_handler_logs_and_reports_itself_is_there_once(backends: FakeBackends) -> None:
    app = shop(backends)

    @app.errorhandler(Exception)
    def on_error(error: Exception) -> tuple[str, int]:
        app.logger.error("out of tea", exc_info=error)
        rollbar.report_exc_info()
        return str(error), 500

    with app.test_client().get("/fail/no-tea", buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    flush(app)
    assert len(eventually(lambda: backends.items(trace_id), 1)) == 1
    messages = [line["message"] for line in backends.lines_of(trace_id)]
    assert messages == ["out of tea", "GET /fail/no-tea 500"]
    app.extensions["onetrace"].shutdown()
