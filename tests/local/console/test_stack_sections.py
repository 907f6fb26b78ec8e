"""The sections that no healthy deployment shows: what is missing, hostile or too much."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local.console.stack.queries import MAX_CELL, MAX_ROWS, run_query
from local.console.stack.secrets import secrets
from local.console.stack.source import StackSource, readable
from local.console.stack.telemetry import alarms
from local.queries.saved_query import TRACE_ID_PLACEHOLDER, Row, SavedQuery
from operations.errors import OperatorError
from operations.traces.errors import ReadError

SENTINEL = "hunter2-sentinel-5d2e"
FAILED = "6b0c922a9af85cd107702f9e36b1f3a4"


def source_of(**aws: object) -> StackSource:
    names = SimpleNamespace(secrets={"KEY": "local/shop/key"}, prefix="Shop-local")
    deployment = SimpleNamespace(aws=SimpleNamespace(**aws), names=names)
    session = SimpleNamespace(state=SimpleNamespace())
    return cast("StackSource", SimpleNamespace(deployment=lambda: deployment, session=lambda: session))


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "it does not work"}}, "Operation")


def returns(value: object) -> Any:  # noqa: ANN401 - a client's operation
    def operation(**_: object) -> object:
        if isinstance(value, Exception):
            raise value
        return value

    return operation


@pytest.mark.parametrize(
    ("described", "value", "state"),
    [
        ({}, {"SecretString": SENTINEL}, "set"),
        ({}, {"SecretString": "replace-me"}, "placeholder"),
        ({}, {"SecretString": "local-fake-key"}, "fake"),
        ({}, {"SecretString": ""}, "empty"),
        ({}, {"SecretBinary": SENTINEL.encode()}, "empty"),
        ({}, client_error("ResourceNotFoundException"), "empty"),
        (client_error("ResourceNotFoundException"), {}, "missing"),
        ({"DeletedDate": "2026-11-29"}, {"SecretString": SENTINEL}, "deleted"),
    ],
)
def test_a_secret_has_a_state_and_never_its_value(described: object, value: object, state: str) -> None:
    client = SimpleNamespace(describe_secret=returns(described), get_secret_value=returns(value))

    document = secrets(source_of(secrets=client))

    assert [each["state"] for each in document["secrets"]] == [state]
    assert SENTINEL not in json.dumps(document)


def test_what_an_api_refuses_is_named_with_its_code() -> None:
    client = SimpleNamespace(describe_secret=returns(client_error("AccessDeniedException")))

    with pytest.raises(ReadError, match="Secrets Manager refused the request: AccessDeniedException: it does not work"):
        secrets(source_of(secrets=client))


def test_an_api_that_does_not_respond_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.console.stack.source.running_aws", lambda _: None)

    with pytest.raises(ReadError, match="ECS does not respond"), readable(source_of(), "ECS"):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_alarms_that_fire_are_first_and_their_descriptions_have_no_links() -> None:
    described: Sequence[Mapping[str, Any]] = [
        {"AlarmName": "a", "StateValue": "OK", "MetricName": "Dropped", "Threshold": 0.0, "Period": 60},
        {
            "AlarmName": "b",
            "StateValue": "ALARM",
            "AlarmDescription": "See [Errors by route](https://aws.test/#a~(b~(c))), then <b>Rollbar</b>.",
            "ComparisonOperator": "GreaterThanThreshold",
            "Metrics": [{"Id": "e", "Label": "5xx", "ReturnData": True}, {"Id": "m", "ReturnData": False}],
            "Threshold": 5.0,
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 2,
        },
    ]
    paginator = SimpleNamespace(paginate=returns([{"MetricAlarms": described, "CompositeAlarms": []}]))
    client = SimpleNamespace(get_paginator=lambda _: paginator)

    first, second = alarms(source_of(cloudwatch=client))["alarms"]

    assert (first["name"], second["name"]) == ("b", "a")
    assert first["description"] == "See Errors by route, then <b>Rollbar</b>."
    assert first["condition"] == '"5xx" > 5 in 2 of 5 periods of 60 s'


def query(key: str, rows: list[Row], *, is_about_trace: bool = False, asked: list[str] | None = None) -> SavedQuery:
    def run(trace_id: str) -> list[Row]:
        if asked is not None:
            asked.append(trace_id)
        return rows

    return SavedQuery(key=key, product="CloudWatch", name=key, text="", is_about_trace=is_about_trace, run=run)


def run(
    monkeypatch: pytest.MonkeyPatch, queries: list[SavedQuery], key: str, trace_id: object = None
) -> dict[str, Any]:
    monkeypatch.setattr("local.console.stack.queries.saved_queries", lambda *_: queries)
    return run_query(source_of(), key, trace_id)


def test_a_result_is_bounded_and_its_cells_are_numbers_or_text(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [{"a": number} for number in range(MAX_ROWS + 5)]
    rows[0] = {"a": "x" * 10_000, "b": {"nested": ["<b>"]}, "c": True}

    result = run(monkeypatch, [query("q", rows)], "q")

    assert (result["count"], len(result["rows"]), result["columns"]) == (MAX_ROWS + 5, MAX_ROWS, ["a", "b", "c"])
    assert result["rows"][0] == ["x" * (MAX_CELL - 1) + "…", "{'nested': ['<b>']}", "True"]
    assert result["rows"][1] == [1, None, None]


def test_the_query_about_a_trace_gets_the_one_that_is_named_or_the_newest_failed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    recent = query("recent", [{"trace_id": "0" * 31 + "1", "status": "200"}, {"trace_id": FAILED, "status": "500"}])
    queries = [recent, query("one", [], is_about_trace=True, asked=asked)]

    assert run(monkeypatch, queries, "one")["trace_id"] == FAILED
    run(monkeypatch, queries, "one", "a" * 32)

    assert asked == [FAILED, "a" * 32]


@pytest.mark.parametrize("trace_id", ["no-id", "A" * 32, 7, {"a": 1}])
def test_what_is_no_trace_id_is_refused(monkeypatch: pytest.MonkeyPatch, trace_id: object) -> None:
    with pytest.raises(OperatorError, match="is no trace id"):
        run(monkeypatch, [query("one", [], is_about_trace=True)], "one", trace_id)


def test_without_a_failed_request_the_query_about_a_trace_wants_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    queries = [query("recent", [], asked=asked), query("one", [], is_about_trace=True)]

    with pytest.raises(OperatorError, match="No request has failed yet"):
        run(monkeypatch, queries, "one")

    assert asked == [TRACE_ID_PLACEHOLDER]
