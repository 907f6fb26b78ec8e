"""What a subsegment of the X-Ray SDK holds is on its span by the semantic conventions, and in its document once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask

from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.segments import get_trace_id, segment_of

Fill = Callable[[Any], None]


def _export(app: Flask, backends: FakeBackends, name: str, namespace: str, fill: Fill) -> tuple[Document, Document]:
    """Return the span and the subsegment that code has opened by `name`, and filled."""

    @app.get("/subsegment")
    def view() -> str:
        fill(xray_recorder.begin_subsegment(name, namespace))
        xray_recorder.end_subsegment()
        return "ok"

    trace_id = get_trace_id(app, "/subsegment")
    [subsegment] = segment_of(backends, trace_id)["subsegments"]
    spans = eventually(lambda: backends.spans(trace_id), 2)
    [span] = [each for each in spans if each["span_id"] == subsegment["id"]]
    return span, subsegment


def _fill_aws(subsegment: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
    subsegment.put_http_meta("status", 200)
    subsegment.set_aws({"operation": "GetItem", "region": "eu-west-1", "request_id": "R", "table_name": "orders"})


def _fill_sql(subsegment: Any) -> None:  # noqa: ANN401 - as above
    subsegment.set_sql(
        {
            "url": "postgresql://db.internal:5432/shop",
            "database_type": "PostgreSQL",
            "driver_version": "Psycopg 2",
            "user": "app",
            "sanitized_query": "SELECT \"id\" FROM orders WHERE email = 'planted'",
        }
    )


def _fill_http(subsegment: Any) -> None:  # noqa: ANN401 - as above
    subsegment.put_http_meta("method", "GET")
    subsegment.put_http_meta("url", "https://api.example/orders")
    subsegment.put_http_meta("status", 404)


def test_an_aws_call_has_its_name_and_attributes(app: Flask, backends: FakeBackends) -> None:
    span, subsegment = _export(app, backends, "dynamodb", "aws", _fill_aws)
    assert (span["name"], span["kind"], subsegment["name"]) == ("DynamoDB.GetItem", "client", "DynamoDB.GetItem")
    assert span["attributes"] == {
        "aws.dynamodb.table_names": ["orders"],
        "aws.request_id": "R",
        "cloud.region": "eu-west-1",
        "http.response.status_code": 200,
        "rpc.method": "GetItem",
        "rpc.service": "DynamoDB",
        "rpc.system": "aws-api",
    }
    block = {"operation": "GetItem", "region": "eu-west-1", "request_id": "R", "table_name": "orders"}
    assert (subsegment["namespace"], subsegment["aws"]) == ("aws", block)
    assert "metadata" not in subsegment


def test_a_query_has_its_name_and_attributes(app: Flask, backends: FakeBackends) -> None:
    span, subsegment = _export(app, backends, "db.internal:5432", "remote", _fill_sql)
    assert (span["name"], subsegment["name"]) == ("SELECT orders", "SELECT orders")
    assert span["attributes"] == {
        "db.driver.version": "Psycopg 2",
        "db.namespace": "shop",
        "db.query.summary": "SELECT orders",
        "db.query.text": 'SELECT "id" FROM orders WHERE email = ?',
        "db.system.name": "postgresql",
        "db.user": "app",
        "server.address": "db.internal",
        "server.port": 5432,
    }
    assert subsegment["sql"]["sanitized_query"] == 'SELECT "id" FROM orders WHERE email = ?'
    assert "metadata" not in subsegment


def test_an_http_call_is_named_by_its_method_and_in_x_ray_by_its_host(app: Flask, backends: FakeBackends) -> None:
    span, subsegment = _export(app, backends, "api.example", "remote", _fill_http)
    assert (span["name"], subsegment["name"]) == ("GET", "api.example")
    assert span["attributes"] == {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "server.address": "api.example",
        "url.full": "https://api.example/orders",
    }
    assert (subsegment["error"], "metadata" in subsegment) == (True, False)


@pytest.mark.parametrize(("namespace", "fill"), [("remote", _fill_sql), ("remote", _fill_http)])
def test_a_subsegment_keeps_the_name_that_a_handler_has_given_it(
    namespace: str, fill: Fill, app: Flask, backends: FakeBackends
) -> None:
    span, subsegment = _export(app, backends, "load the order", namespace, fill)
    assert (span["name"], subsegment["name"], span["kind"]) == ("load the order", "load the order", "client")
    assert {"db.query.text", "url.full"} & span["attributes"].keys()


def test_metadata_is_on_the_span_and_secrets_are_not(app: Flask, backends: FakeBackends) -> None:
    def fill(subsegment: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        subsegment.put_annotation("plan", "free")
        subsegment.put_metadata("items", 3)
        subsegment.put_metadata("cart", {"total": 1.5, "password": "planted"}, "shop")

    span, subsegment = _export(app, backends, "checkout", "local", fill)
    assert (span["name"], span["kind"]) == ("checkout", "internal")
    assert span["attributes"] == {
        "aws.xray.metadata.default.items": 3,
        "aws.xray.metadata.shop.cart": '{"total":1.5,"password":"REDACTED"}',
        "plan": "free",
    }
    assert subsegment["metadata"] == {
        "default": {"items": 3},
        "shop": {"cart": {"total": 1.5, "password": "REDACTED"}},
    }
