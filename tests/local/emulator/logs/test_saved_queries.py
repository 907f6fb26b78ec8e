"""The deployed saved queries return the expected rows for log lines written by the service."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from flask import Flask
from werkzeug.test import TestResponse

from bench.testbed.application import NAMES
from flask_onetrace.contract import DROPPED_METRIC, SINK_DIMENSION
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from flask_onetrace.telemetry.config import DropMetric
from flask_onetrace.telemetry.export.drop_metrics import DropReport, ItemCounts
from infra.environments import DEV
from infra.observability_stack import ObservabilityStack
from service.factory import create_app
from tests.local.emulator.conftest import Aws, Client
from tests.sample import names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

VERSION = "7.1"
DROP_METRIC = DropMetric(namespace=names_of(DEV.name).metrics_namespace, name=DROPPED_METRIC, dimension=SINK_DIMENSION)
HOME, FAULT, HEALTH = "/api/activities/home", "/api/fault", "/api/health-check"
REQUESTS = [(HOME, "andrew"), (HOME, "andrew"), (HOME, "worf"), (FAULT, "worf"), (HOME, None), (HEALTH, None)]

Row = dict[str, str]
Ask = Callable[..., list[Row]]


@pytest.fixture
def logs(aws: Aws) -> Client:
    """The emulated CloudWatch Logs, with the log group and the queries of the observability stack."""
    stack: Stack = ObservabilityStack(
        App(analytics_reporting=False), "Stack", environment=DEV, names=names_of(DEV.name)
    )
    kinds = ("AWS::Logs::LogGroup", "AWS::Logs::QueryDefinition")
    resources = Template.from_stack(stack).to_json()["Resources"]
    aws.stack({name: each for name, each in resources.items() if each["Type"] in kinds})
    return aws.client("logs")


@pytest.fixture
def responses(
    aws: Aws,
    logs: Client,  # noqa: ARG001 - the log group must be there
    monkeypatch: pytest.MonkeyPatch,
) -> list[TestResponse]:
    """The service's responses, once its log lines are delivered."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws.account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-secret-key")
    variables = {
        "CLOUDWATCH_LOG_GROUP": names_of(DEV.name).log_group,
        "AWS_REGION": "us-east-1",
        "SERVICE_VERSION": VERSION,
    }
    app = create_app(Settings.from_env({**NAMES, **variables, "FAULT_ROUTES": "true", "TRUST_USER_HEADER": "true"}))
    try:
        return [_get(app, path, user) for path, user in REQUESTS]
    finally:
        for sink, dropped in (("xray", 3), ("rollbar", 40)):
            DropReport(sink, ItemCounts(dropped_full=dropped), DROP_METRIC).report("the queue is full", now=True)
        app.extensions[EXTENSION].shutdown()


def _get(app: Flask, path: str, user: str | None) -> TestResponse:
    headers = {"X-Cruddur-User": user} if user is not None else {}
    return app.test_client().get(path, headers=headers, buffered=True)


@pytest.fixture
def ask(logs: Client, responses: list[TestResponse]) -> Ask:
    """Run a saved query by its title, with its text edited first."""

    def run(title: str, edit: Callable[[str], str] = str) -> list[Row]:
        [definition] = logs.describe_query_definitions(
            queryDefinitionNamePrefix=f"{names_of(DEV.name).query_folder}/{title}"
        )["queryDefinitions"]
        assert definition["logGroupNames"] == [names_of(DEV.name).log_group]
        now = int(time.time())
        span = {"startTime": now - 60, "endTime": now + 60}
        started = logs.start_query(
            logGroupNames=definition["logGroupNames"], queryString=edit(definition["queryString"]), **span
        )
        rows = logs.get_query_results(queryId=started["queryId"])["results"]
        return [{column["field"]: column["value"] for column in row if column["field"] != "@ptr"} for row in rows]

    assert [each.status_code for each in responses] == [200, 200, 200, 500, 200, 200]
    return run


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_latency_by_user_id(ask: Ask) -> None:
    rows = ask("Latency by user id")
    assert sorted((row["user_id"], row["requests"]) for row in rows) == [("andrew", "2"), ("worf", "2")]
    for row in rows:
        assert 0 < float(row["p50_ms"]) <= float(row["p95_ms"]) <= float(row["p99_ms"])
    assert float(rows[0]["p99_ms"]) >= float(rows[1]["p99_ms"])


def test_recent_traces_are_newest_first_without_health_checks(ask: Ask, responses: list[TestResponse]) -> None:
    rows = ask("Recent traces")
    assert {row["trace_id"] for row in rows} == {each.headers["X-Trace-Id"] for each in responses[:-1]}
    assert [row["@timestamp"] for row in rows] == sorted((row["@timestamp"] for row in rows), reverse=True)
    [fault] = [row for row in rows if row["status"] == "500"]
    trace_id = fault["trace_id"]
    assert without(fault, "@timestamp", "duration_ms", "trace_id") == {
        "xray_trace_id": f"1-{trace_id[:8]}-{trace_id[8:]}",
        "method": "GET",
        "path": FAULT,
        "status": "500",
        "user_id": "worf",
    }


def test_slowest_routes_omit_health_checks(ask: Ask) -> None:
    rows = ask("Slowest routes")
    assert {row["route"]: row["requests"] for row in rows} == {HOME: "4", FAULT: "1"}
    slowest = [float(row["p99_ms"]) for row in rows]
    assert slowest == sorted(slowest, reverse=True)
    for row in rows:
        assert 0 < float(row["p50_ms"]) <= float(row["p99_ms"]) <= float(row["max_ms"])


def test_errors_by_route(ask: Ask) -> None:
    assert ask("Errors by route") == [
        {"method": "GET", "route": FAULT, "status": "500", "version": VERSION, "errors": "1"}
    ]


def test_everything_about_one_trace_with_its_id_filled_in(ask: Ask, responses: list[TestResponse]) -> None:
    assert ask("Everything about one trace") == []
    trace_id = responses[3].headers["X-Trace-Id"]
    error, access = ask("Everything about one trace", lambda text: text.replace("0" * 32, trace_id))
    assert (error["level"], error["route"], access["message"]) == ("ERROR", FAULT, f"GET {FAULT} 500")
    assert "DeliberateError" in error["exception"]
    assert (access["status"], access["user_id"], access["version"]) == ("500", "worf", VERSION)


def test_dropped_telemetry(ask: Ask) -> None:
    assert ask("Dropped telemetry") == [
        {"sink": "rollbar", "dropped": "40", "reports": "1"},
        {"sink": "xray", "dropped": "3", "reports": "1"},
    ]
