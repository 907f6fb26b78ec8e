"""An application that initialises Rollbar's SDK itself keeps its project, its settings and its handler."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.telemetry.instrumentations.programs import run

PREAMBLE: Final = """
import logging
import rollbar, rollbar.contrib.flask
from flask import Flask, got_request_exception
from flask_onetrace import init_app
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry.export.http_exporter import HttpExporter

ours, theirs, warnings = [], [], []
logging.getLogger().addHandler(handler := logging.Handler(logging.WARNING))
handler.emit = lambda record: warnings.append(record.getMessage())
HttpExporter.send = lambda self, body: ours.append(json.loads(body))
rollbar._send_payload = lambda payload, token: theirs.append([token, json.loads(payload)["data"]])
app = Flask("shop")

def initialise(token="token-of-the-application", **options):
    rollbar.init(token, "of the application", root="/srv/shop", handler="blocking", code_version="7.7", **options)
    got_request_exception.connect(rollbar.contrib.flask.report_exception, app)

def observe():
    settings = Settings.from_env({"ROLLBAR_ACCESS_TOKEN": "token-of-telemetry", "LOG_CONSOLE": "false"})
    app.telemetry = init_app(app, settings)

@app.get("/view")
def view():
    rollbar.report_message("low on tea", "warning")
    raise LookupError("no tea")

def shown(data):
    [kind] = data["body"]
    return [kind, data["environment"], data.get("code_version"), data["custom"]["trace_id"]]

def request():
    with app.test_client().get("/view", buffered=True) as response:
        assert response.status_code == 500
        trace_id = response.headers["X-Trace-Id"]
    assert app.telemetry.flush(10)
    finish({
        "ours": [shown(body["data"]) for body in ours],
        "theirs": [[token, *shown(data)] for token, data in theirs],
        "trace": trace_id,
        "warnings": [each for each in warnings if "rollbar" in each.lower()],
        "root": rollbar.SETTINGS["root"],
    })
"""
ORDERS: Final = {"before": "initialise({})\nobserve()", "after": "observe()\ninitialise({})"}


def outcome(steps: str) -> dict[str, Any]:
    result: dict[str, Any] = run(f"{PREAMBLE}\n{steps}\nrequest()")
    return result


@pytest.mark.parametrize("order", ORDERS)
def test_its_own_reports_go_to_its_project_and_unhandled_exceptions_to_both(order: str) -> None:
    result = outcome(ORDERS[order].format(""))
    trace_id, own = result["trace"], "token-of-the-application"
    assert sorted(result["theirs"]) == [
        [own, "message", "of the application", "7.7", trace_id],
        [own, "trace", "of the application", "7.7", trace_id],
    ]
    assert result["ours"] == [["trace", "local", "unknown", trace_id]]
    assert result["root"] == "/srv/shop"
    [warning] = result["warnings"]
    assert warning.startswith("the application has called rollbar.init() with another token than ROLLBAR_ACCESS_TOKEN")


@pytest.mark.parametrize("order", ORDERS)
def test_an_exception_is_one_item_where_both_projects_are_the_same(order: str) -> None:
    result = outcome(ORDERS[order].format("'token-of-telemetry'"))
    assert (result["theirs"], sorted(each[0] for each in result["ours"])) == ([], ["message", "trace"])
    assert result["warnings"] == []


@pytest.mark.parametrize("order", ORDERS)
def test_what_it_has_disabled_is_its_own_alone(order: str) -> None:
    result = outcome(ORDERS[order].format("enabled=False"))
    assert (result["theirs"], [each[0] for each in result["ours"]]) == ([], ["trace"])


def test_without_a_call_of_its_own_its_reports_are_ours() -> None:
    result = outcome("observe()")
    assert (result["theirs"], sorted(each[0] for each in result["ours"])) == ([], ["message", "trace"])
    assert result["warnings"] == []
