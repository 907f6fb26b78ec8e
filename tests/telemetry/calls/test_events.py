"""Calls without a server: MongoDB's command events, MySQL's cursors and Celery's messages, as they are recorded."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import celery
import pymysql
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.dbapi import DatabaseApiIntegration
from opentelemetry.instrumentation.pymongo import CommandTracer
from pymongo import monitoring

from tests.telemetry.calls.conftest import Instrument
from tests.telemetry.calls.recorder import CallRecorder

SECRET = "planted-value"
MONGODB = ("mongo.internal", 27017)
SECOND = timedelta(seconds=1)
DUPLICATE = {"errmsg": f'E11000 duplicate key error collection: shop.users dup key: {{ email: "{SECRET}" }}', "ok": 0}


def publish(listener: monitoring.CommandListener, failure: dict[str, Any] | None) -> None:
    """Publish the events of one command, as pymongo does, which succeeds without a `failure`."""
    command = {"insert": "users", "documents": [{"email": SECRET}], "$db": "shop"}
    listener.started(monitoring.CommandStartedEvent(command, "shop", 1, MONGODB, 2))
    if failure is None:
        listener.succeeded(monitoring.CommandSucceededEvent(SECOND, {"ok": 1}, "insert", 1, MONGODB, 2))
    else:
        listener.failed(monitoring.CommandFailedEvent(SECOND, failure, "insert", 1, MONGODB, 2))


@pytest.mark.parametrize("failure", [None, DUPLICATE])
def test_a_command_of_mongodb_is_named_by_itself_and_its_collection(
    failure: dict[str, Any] | None, recorder: CallRecorder
) -> None:
    tracer = trace.get_tracer("opentelemetry.instrumentation.pymongo")
    exported = recorder.record(lambda: publish(CommandTracer(tracer, capture_statement=True), failure))
    span, subsegment = exported.one
    assert (span["name"], span["attributes"]["db.statement"]) == ("insert users", "insert")
    assert (subsegment["name"], subsegment["namespace"]) == ("insert users", "remote")
    assert subsegment.get("fault", False) is (failure is not None)
    assert subsegment["metadata"]["default"]["net.peer.name"] == "mongo.internal"
    assert SECRET not in json.dumps(exported)


class _Cursor:
    def execute(self, statement: str) -> None:
        """Accept any statement."""


class _Connection:
    """A connection with the attributes of PyMySQL's, which keeps its user as bytes."""

    db, host, port, user = "shop", "mysql.internal", 3306, b"app"

    def cursor(self) -> _Cursor:
        return _Cursor()


@pytest.mark.usefixtures("instrument")
def test_a_query_of_pymysql_shows_no_double_quoted_literal(recorder: CallRecorder) -> None:
    names = {"database": "db", "port": "port", "host": "host", "user": "user"}
    integration = DatabaseApiIntegration(
        "opentelemetry.instrumentation.pymysql", "mysql", names, connect_module=pymysql
    )

    def query() -> None:
        connection = integration.wrapped_connection(_Connection, (), {})
        connection.cursor().execute(f"SELECT * FROM `users` WHERE name = \"{SECRET}\" AND note = 'it\\'s {SECRET}'")  # noqa: S608 - the value is planted

    exported = recorder.record(query)
    span, subsegment = exported.one
    assert (span["name"], subsegment["name"]) == ("SELECT users", "SELECT users")
    assert subsegment["sql"] == {
        "database_type": "MySQL",
        "driver_version": f"PyMySQL {pymysql.__version__}",
        "sanitized_query": "SELECT * FROM `users` WHERE name = ? AND note = ?",
        "url": "mysql://app@mysql.internal:3306/shop",
        "user": "app",
    }
    assert SECRET not in json.dumps(exported)


def test_a_task_of_celery_is_a_remote_call_without_its_arguments(
    recorder: CallRecorder, instrument: Instrument
) -> None:
    instrument(CeleryInstrumentor)
    queue = celery.Celery("shop", broker="memory://")

    @queue.task(name="shop.ship")  # type: ignore[untyped-decorator]  # Celery publishes no types
    def ship(address: str) -> None:
        """Do nothing: no worker runs."""

    exported = recorder.record(lambda: ship.delay(SECRET))
    span, subsegment = exported.one
    assert (span["name"], span["kind"]) == ("apply_async/shop.ship", "producer")
    assert (subsegment["name"], subsegment["namespace"]) == ("apply_async/shop.ship", "remote")
    assert subsegment["metadata"]["default"]["celery.task_name"] == "shop.ship"
    assert SECRET not in json.dumps(exported)
