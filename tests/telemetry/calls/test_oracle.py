"""The same call through the X-Ray SDK's patcher and through OpenTelemetry's instrumentation: their subsegments agree.

What differs is listed, with the reason. A field that is in no list must be equal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any, NamedTuple

import boto3
import httpx
import psycopg
import psycopg2
import pytest
import requests
import sqlalchemy
from aws_xray_sdk.ext.pymongo.patch import XrayCommandListener
from botocore.config import Config
from botocore.exceptions import ClientError
from opentelemetry import trace
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.dbapi import wrap_connect
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.pymongo import CommandTracer
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

from flask_onetrace.telemetry.instrumentations.aws_calls import request_hook, response_hook
from local.fakes.server import LocalServer
from tests.telemetry.backends import Document
from tests.telemetry.calls import fake_aws
from tests.telemetry.calls.conftest import OLD, Instrument
from tests.telemetry.calls.patchers import Patcher
from tests.telemetry.calls.recorder import CallRecorder
from tests.telemetry.calls.test_events import publish

MISSING = "(missing)"
Differences = dict[str, tuple[object, object]]
"""By field, of the SDK's subsegment and of the instrumentation's."""


class Servers(NamedTuple):
    """Where the calls go."""

    postgres: int
    aws: str


@pytest.fixture
def servers(postgres: int, socket_enabled: None) -> Iterator[Servers]:  # noqa: ARG001 - the fake AWS listens on 127.0.0.1
    with closing(LocalServer(fake_aws.create_app())) as server:
        yield Servers(postgres, server.url)


class Library(NamedTuple):
    """A library with both of its instrumentations, one call of it, and what differs between the two subsegments."""

    patcher: str
    instrument: Callable[[Instrument], None]
    call: Callable[[Servers], object]
    differences: Differences


def _with(instrumentor: Any, opt_in: str = OLD, **options: Any) -> Callable[[Instrument], None]:  # noqa: ANN401 - an instrumentation, and its options
    return lambda instrument: instrument(instrumentor, opt_in, **options)


def _query(module: Any) -> Callable[[Servers], object]:  # noqa: ANN401 - a driver
    def query(servers: Servers) -> None:
        with closing(module.connect(f"host=127.0.0.1 port={servers.postgres} user=app dbname=shop")) as connection:
            connection.cursor().execute("SELECT oid FROM pg_class WHERE relpages > 41")

    return query


def _sqlalchemy_query(servers: Servers) -> None:
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://app:planted@127.0.0.1:{servers.postgres}/shop")
    with engine.connect() as connection, connection.begin():
        connection.execute(sqlalchemy.text("SELECT oid FROM pg_class WHERE relpages > 41"))
    engine.dispose()


def _aws_call(service: str, method: str, **parameters: Any) -> Callable[[Servers], object]:  # noqa: ANN401 - boto3's own
    def call(servers: Servers) -> None:
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        session = boto3.Session("id", "key", region_name="eu-west-1")
        client: Any = session.client(service, endpoint_url=servers.aws, config=config)  # type: ignore[call-overload]  # by a name that is no literal
        with suppress(ClientError):
            getattr(client, method)(**parameters)

    return call


ANY = "(any)"
_DRIVER: Differences = {
    # The SDK has no statement of a driver, so its name is that of the method.
    "name": ("execute", "SELECT pg_class"),
    "sql.sanitized_query": (MISSING, "SELECT oid FROM pg_class WHERE relpages > ?"),
    # The SDK has the major version of the driver alone: `Psycopg 2`.
    "sql.driver_version": (ANY, ANY),
    # No attribute says the server's version.
    "sql.database_version": (ANY, MISSING),
    # User and password are hidden in any URL; here the URL is built without a password.
    "sql.url": (ANY, ANY),
}
_SQLALCHEMY: Differences = {
    # As in `create_engine`, with the name of the driver; and as above.
    "sql.url": (ANY, ANY),
    "sql.database_type": ("postgresql", "PostgreSQL"),
    "sql.driver_version": (ANY, MISSING),
    "sql.database_version": (ANY, MISSING),
}
_AWS: Differences = {"aws.retries": (MISSING, 0)}
"""The SDK does not count them. Its subsegment `s3` is named after the call, too."""
_CLIENT_ERROR: Differences = {"fault": (True, MISSING)}
"""A 4xx is an error of the caller's, as everywhere in X-Ray; the SDK adds the fault of any exception."""
"""The keys of objects often name persons: they are not recorded."""
_REQUESTS: Differences = {
    # As it is sent; the SDK has it as `requests.get` passes it on.
    "http.request.method": ("get", "GET"),
    "http.request.user_agent": (MISSING, ANY),
}

LIBRARIES: dict[str, Library] = {
    "psycopg": Library("psycopg", _with(PsycopgInstrumentor), _query(psycopg), _DRIVER),
    "psycopg2": Library("psycopg2", _with(Psycopg2Instrumentor), _query(psycopg2), _DRIVER),
    "sqlalchemy": Library(
        "sqlalchemy_core",
        _with(SQLAlchemyInstrumentor),
        _sqlalchemy_query,
        _SQLALCHEMY,
    ),
    "s3": Library(
        "botocore",
        _with(BotocoreInstrumentor, request_hook=request_hook, response_hook=response_hook),
        _aws_call("s3", "get_object", Bucket="photos", Key="planted-value"),
        _AWS,
    ),
    "dynamodb": Library(
        "botocore",
        _with(BotocoreInstrumentor),
        _aws_call(
            "dynamodb", "get_item", TableName="orders", Key={"email": {"S": "planted-value"}}, ConsistentRead=True
        ),
        _AWS,
    ),
    "dynamodb throttled": Library(
        "botocore",
        _with(BotocoreInstrumentor),
        _aws_call("dynamodb", "get_item", TableName="throttled", Key={"email": {"S": "planted-value"}}),
        {**_AWS, **_CLIENT_ERROR, "throttle": (MISSING, True)},  # the SDK knows 429 alone
    ),
    "dynamodb broken": Library(
        "botocore",
        _with(BotocoreInstrumentor),
        _aws_call("dynamodb", "get_item", TableName="broken", Key={"email": {"S": "planted-value"}}),
        _AWS,
    ),
    "sqs": Library(
        "botocore",
        _with(BotocoreInstrumentor),
        _aws_call("sqs", "send_message", QueueUrl=fake_aws.QUEUE_URL, MessageBody="planted-value"),
        _AWS,
    ),
    "requests": Library(
        "requests",
        _with(RequestsInstrumentor),
        lambda servers: requests.get(f"{servers.aws}/b/k?q=1", timeout=60),
        _REQUESTS,
    ),
    "httpx": Library("httpx", _with(HTTPXClientInstrumentor), lambda servers: httpx.get(f"{servers.aws}/b/k?q=1"), {}),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_both_instrumentations_make_the_same_subsegment(  # noqa: PLR0917 - a parameter and five fixtures
    name: str,
    recorder: CallRecorder,
    instrument: Instrument,
    patch: Patcher,
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = LIBRARIES[name]
    with monkeypatch.context() as undo:
        patch(undo, library.patcher)
        theirs = _fields(recorder.record(lambda: library.call(servers)).subsegments[-1])
    library.instrument(instrument)
    ours = _fields(recorder.record(lambda: library.call(servers)).subsegments[-1])
    found = {key: (theirs.get(key, MISSING), ours.get(key, MISSING)) for key in theirs.keys() | ours.keys()}
    expected = {key: tuple(map(_expected, found.get(key, ()), pair)) for key, pair in library.differences.items()}
    assert {key: pair for key, pair in found.items() if pair[0] != pair[1]} == expected


def _expected(value: object, expected: object) -> object:
    return value if expected is ANY and value != MISSING else expected


_VOLATILE = {"id", "start_time", "end_time", "cause", "annotations", "metadata", "subsegments"}


def _fields(document: Document, prefix: str = "") -> dict[str, object]:
    """Return the fields of a subsegment by their paths, without times, ids and what a patcher does not set."""
    fields: dict[str, object] = {}
    for key, value in document.items():
        if isinstance(value, dict) and key not in _VOLATILE:
            fields |= _fields(value, f"{prefix}{key}.")
        elif prefix or key not in _VOLATILE:
            fields[prefix + key] = value
    return fields


def test_both_instrumentations_of_mongodb_name_command_and_database(recorder: CallRecorder) -> None:
    tracer = trace.get_tracer("opentelemetry.instrumentation.pymongo")
    theirs = recorder.record(lambda: publish(XrayCommandListener(record_full_documents=False), None))
    ours = recorder.record(lambda: publish(CommandTracer(tracer), None))
    # The SDK does not name the collection.
    assert [each.subsegments[0]["name"] for each in (theirs, ours)] == ["insert", "insert users"]
    assert [each.spans[0]["name"] for each in (theirs, ours)] == ["insert", "insert users"]
    assert [each.subsegments[0]["namespace"] for each in (theirs, ours)] == ["remote", "remote"]
    annotations = theirs.subsegments[0]["annotations"]
    attributes = ours.spans[0]["attributes"]
    assert annotations["mongodb_database_name"] == attributes["db.name"]
    assert annotations["mongodb_connection_id"] == f"{attributes['net.peer.name']}:{attributes['net.peer.port']}"


def test_both_instrumentations_of_sqlite_hold_the_database_type(
    recorder: CallRecorder, patch: Patcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def query() -> None:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.cursor().execute("SELECT name FROM sqlite_master WHERE type = 'table'")

    with monkeypatch.context() as undo:
        patch(undo, "sqlite3")
        their_span, theirs = recorder.record(query).one
    # The SDK knows neither the statement nor the operation.
    assert theirs["sql"] == {"database_type": "sqlite3", "database_version": sqlite3.sqlite_version}
    assert their_span["attributes"]["db.system.name"] == "sqlite"
    assert their_span["attributes"]["db.server.version"] == sqlite3.sqlite_version
    monkeypatch.setattr(sqlite3, "connect", sqlite3.connect)  # restored at the end
    wrap_connect("opentelemetry.instrumentation.sqlite3", sqlite3, "connect", "sqlite", {})  # type: ignore[arg-type]  # a module, as its own callers pass
    ours = recorder.record(query).subsegments[0]
    assert ours["name"] == "SELECT sqlite_master"
    assert ours["sql"] == {
        "database_type": "sqlite",
        "sanitized_query": "SELECT name FROM sqlite_master WHERE type = ?",
    }
