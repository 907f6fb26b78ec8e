"""Compare all that one call of each library exports to Honeycomb and X-Ray with a stored tree; unsampled, with nothing.

The instrumentations are on as the service turns them on. To accept an intended change:
`UPDATE_EXPECTED=1 make test TESTS=tests/telemetry/calls/test_trees.py`, then review the diff.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import celery
import httpx
import psycopg
import psycopg2
import pymysql
import pytest
import redis
import requests
import sqlalchemy
import urllib3
from botocore.config import Config
from flask import Flask
from opentelemetry import trace
from opentelemetry.instrumentation.dbapi import DatabaseApiIntegration
from opentelemetry.instrumentation.pymongo import CommandTracer

from local.fakes.server import LocalServer
from tests.telemetry.backends import Document, FakeBackends
from tests.telemetry.calls.fake_aws import create_app
from tests.telemetry.calls.test_events import SECRET, _Connection, publish
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import validate
from tests.telemetry.tracing import flush, get

EXPECTED = Path(__file__).parents[1] / "expected" / "calls"
QUERY = f"SELECT relname FROM pg_class WHERE relname = '{SECRET}' LIMIT 1"  # noqa: S608 - the value is planted
VARYING = {"id", "start_time", "end_time", "span_id", "trace_id", "parent_span_id", "start_ns", "end_ns", "duration_ns"}
VERSIONS = re.compile(r"\b\d+\.\d+(?:\.\d+)*\b(?! ?\()")


queue = celery.Celery("shop", broker="memory://")


@queue.task(name="trees.ship")  # type: ignore[untyped-decorator]  # Celery publishes no types
def ship(address: str) -> None:
    """Do nothing: no worker runs."""


@pytest.fixture
def remote(socket_enabled: None) -> Iterator[str]:  # noqa: ARG001 - it listens on 127.0.0.1
    app = Flask("remote")
    app.add_url_rule("/orders", view_func=lambda: "ok")
    with closing(LocalServer(app)) as server:
        yield f"{server.url}/orders"


@pytest.fixture
def aws(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:  # noqa: ARG001 - as above
    with closing(LocalServer(create_app())) as server:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fake")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake")
        session = boto3.Session(region_name="eu-west-1")
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        yield lambda service: session.client(service, endpoint_url=server.url, config=config)  # type: ignore[call-overload]  # by a name that is no literal


@pytest.fixture
def calls(
    postgres: int, redis_server: int, remote: str, aws: Callable[[str], Any]
) -> Iterator[dict[str, Callable[[], object]]]:
    dsn = f"host=127.0.0.1 port={postgres} user=app dbname=shop"
    dynamodb, s3, sqs = aws("dynamodb"), aws("s3"), aws("sqs")
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://app@127.0.0.1:{postgres}/shop")
    cache, pool = redis.Redis(port=redis_server), urllib3.PoolManager()
    names = {"database": "db", "port": "port", "host": "host", "user": "user"}
    mysql = DatabaseApiIntegration("opentelemetry.instrumentation.pymysql", "mysql", names, connect_module=pymysql)

    def with_psycopg() -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(QUERY)

    def with_psycopg2() -> None:
        with closing(psycopg2.connect(dsn)) as connection:
            connection.cursor().execute(QUERY)

    def with_sqlalchemy() -> None:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(QUERY))

    def with_boto3() -> None:
        dynamodb.get_item(TableName="orders", Key={"email": {"S": SECRET}})
        s3.get_object(Bucket="photos", Key=f"{SECRET}.png")
        sqs.send_message(QueueUrl="https://sqs.eu-west-1.amazonaws.com/123456789012/orders", MessageBody=SECRET)

    yield {
        "boto3": with_boto3,
        "celery": lambda: ship.delay(SECRET),
        "httpx": lambda: httpx.get(remote),
        "psycopg": with_psycopg,
        "psycopg2": with_psycopg2,
        "pymongo": lambda: publish(CommandTracer(trace.get_tracer("opentelemetry.instrumentation.pymongo")), None),
        "pymysql": lambda: mysql.wrapped_connection(_Connection, (), {}).cursor().execute(QUERY),
        "redis": lambda: cache.set(f"user:{SECRET}", SECRET),
        "requests": lambda: requests.get(remote, timeout=60),
        "sqlalchemy": with_sqlalchemy,
        "urllib3": lambda: pool.request("GET", remote),
    }
    engine.dispose()
    for each in (cache, dynamodb, s3, sqs):
        each.close()
    pool.clear()


LIBRARIES = (
    "boto3",
    "celery",
    "httpx",
    "psycopg",
    "psycopg2",
    "pymongo",
    "pymysql",
    "redis",
    "requests",
    "sqlalchemy",
    "urllib3",
)


def shown(value: Any, masks: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    """Return `value` without what differs in each run: ids, times, ports, versions."""
    if isinstance(value, dict):
        return {key: shown(each, masks) for key, each in sorted(value.items()) if key not in VARYING}
    if isinstance(value, list):
        return [shown(each, masks) for each in value]
    if isinstance(value, int) and str(value) in masks:
        return masks[str(value)]
    if isinstance(value, str):
        value = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>", value)
        value = re.sub(r"\bgen\d+@\S+", "<sender>", value)
        for digits, mask in masks.items():
            value = value.replace(digits, mask)
        return VERSIONS.sub("<version>", value) if "127.0.0.1" not in value else value
    return value


def tree(span: Document, spans: list[Document], masks: dict[str, str]) -> Document:
    children = [each for each in spans if each["parent_span_id"] == span["span_id"]]
    return {**shown(span, masks), "children": [tree(each, spans, masks) for each in children]}


def exported(app: Flask, backends: FakeBackends) -> tuple[str, list[Document], list[Document]]:
    digits = get(app, "/call").trace_id
    flush(app)
    spans = sorted(backends.spans(digits), key=lambda span: int(span["start_ns"]))
    return digits, spans, backends.segments_of(digits)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_call_exports_exactly_the_expected_tree(
    library: str, calls: dict[str, Callable[[], object]], make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.honeycomb, **backends.xray, "LOG_CONSOLE": "false"})
    app.add_url_rule("/call", view_func=lambda: str(calls[library]() and ""))
    _, spans, [segment] = exported(app, backends)
    validate(segment)
    [root] = [each for each in spans if each["kind"] == "server"]
    ports = dict.fromkeys(re.findall(r"127\.0\.0\.1:(\d{4,5})", json.dumps([spans, segment])), "<port>")
    ports |= {str(each["attributes"]["server.port"]): "<port>" for each in spans if "server.port" in each["attributes"]}
    document = {
        "honeycomb": tree(root, spans, ports)["children"],
        "xray": shown(segment["subsegments"], ports),
    }
    path = EXPECTED / f"{library}.json"
    if os.environ.get("UPDATE_EXPECTED"):
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    assert document == json.loads(path.read_text(encoding="utf-8"))
    assert SECRET not in json.dumps([spans, segment])


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_call_of_a_request_that_is_not_sampled_exports_nothing(
    library: str, calls: dict[str, Callable[[], object]], make_app: AppFactory, backends: FakeBackends
) -> None:
    rule = json.dumps({"RuleName": "none", "FixedRate": 0.0, "ReservoirSize": 0})
    app = make_app({**backends.honeycomb, **backends.xray, "LOG_CONSOLE": "false", "XRAY_SAMPLING_RULE": rule})
    app.add_url_rule("/call", view_func=lambda: str(calls[library]() and ""))
    digits, spans, segments = exported(app, backends)
    assert (len(digits), spans, segments) == (32, [], [])
