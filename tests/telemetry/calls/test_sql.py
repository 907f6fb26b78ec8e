"""Queries of PostgreSQL's drivers and of SQLAlchemy: one name in both products, and no values anywhere."""

from __future__ import annotations

import json
from contextlib import closing

import psycopg
import psycopg2
import pytest
import sqlalchemy
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

from tests.telemetry.calls.conftest import OLD, STABLE, Instrument, both_conventions
from tests.telemetry.calls.recorder import CallRecorder, Exported

SECRET = "planted-value"
QUERY = f"SELECT o.oid FROM pg_class AS o WHERE relname = '{SECRET}' AND relpages > 41 /* {SECRET} */"  # noqa: S608 - the value is planted
SANITIZED = "SELECT o.oid FROM pg_class AS o WHERE relname = ? AND relpages > ?"
DRIVERS = {"psycopg": (psycopg, PsycopgInstrumentor), "psycopg2": (psycopg2, Psycopg2Instrumentor)}


def _dsn(port: int) -> str:
    return f"host=127.0.0.1 port={port} user=app dbname=shop"


@both_conventions
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_drivers_query_is_named_by_operation_and_table(
    driver: str, opt_in: str, recorder: CallRecorder, instrument: Instrument, postgres: int
) -> None:
    module, instrumentor = DRIVERS[driver]
    instrument(instrumentor, opt_in)

    def query() -> None:
        with closing(module.connect(_dsn(postgres))) as connection:
            connection.cursor().execute(QUERY)

    span, subsegment = recorder.record(query).one
    assert (span["name"], span["kind"]) == ("SELECT pg_class", "client")
    old = {"db.system": "postgresql", "db.name": "shop", "db.user": "app", "db.statement": SANITIZED}
    stable = {"db.system.name": "postgresql", "db.namespace": "shop", "db.query.text": SANITIZED}
    server = {"server.address": "127.0.0.1", "server.port": postgres, "db.query.summary": "SELECT pg_class"}
    assert span["attributes"] == server | (old if opt_in == OLD else stable)
    assert (subsegment["name"], subsegment["namespace"]) == ("SELECT pg_class", "remote")
    user = {"user": "app"} if opt_in == OLD else {}
    assert subsegment["sql"] == user | {
        "database_type": "PostgreSQL",
        "driver_version": f"Psycopg {module.__version__.partition(' ')[0]}",
        "sanitized_query": SANITIZED,
        "url": f"postgresql://{'app@' if user else ''}127.0.0.1:{postgres}/shop",
    }
    assert "metadata" not in subsegment


@both_conventions
def test_a_query_of_sqlalchemy_is_named_by_operation_and_table(
    opt_in: str, recorder: CallRecorder, instrument: Instrument, postgres: int
) -> None:
    instrument(SQLAlchemyInstrumentor, opt_in)

    def query() -> None:
        engine = sqlalchemy.create_engine(f"postgresql+psycopg://app:s3cret-password@127.0.0.1:{postgres}/shop")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(QUERY))
        engine.dispose()

    exported = recorder.record(query)
    assert [span["name"] for span in exported.spans] == ["connect", "SELECT pg_class"]
    assert [each["name"] for each in exported.subsegments] == ["connect", "SELECT pg_class"]
    connect, select = exported.subsegments
    assert connect["sql"] == {key: value for key, value in select["sql"].items() if key != "sanitized_query"}
    assert select["sql"]["sanitized_query"] == SANITIZED
    account = "app@" if opt_in == OLD else ""
    assert select["sql"]["url"] == f"postgresql://{account}127.0.0.1:{postgres}/shop"
    operation = exported.spans[1]["attributes"]["db.operation" if opt_in == OLD else "db.operation.name"]
    assert operation == "SELECT"
    assert not {"metadata"} & (connect.keys() | select.keys())
    _assert_hides(exported, SECRET, "s3cret-password")


@pytest.mark.parametrize("opt_in", [STABLE])
def test_a_violated_constraint_shows_its_key_without_the_value(
    opt_in: str, recorder: CallRecorder, instrument: Instrument, postgres: int
) -> None:
    instrument(SQLAlchemyInstrumentor, opt_in)
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://app@127.0.0.1:{postgres}/shop")

    def query() -> None:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TEMPORARY TABLE users (email text PRIMARY KEY)"))
            insert = sqlalchemy.text("INSERT INTO users (email) VALUES (:email)")
            connection.execute(insert, [{"email": SECRET}])
            connection.execute(insert, [{"email": SECRET}])

    exported = recorder.record(query, status=500)
    engine.dispose()
    assert [span["name"] for span in exported.spans][-2:] == ["INSERT users"] * 2
    assert exported.spans[-1]["status"]["code"] == "error"
    assert "Key (email)=(?) already exists." in exported.spans[-1]["status"]["message"]
    assert exported.subsegments[-1]["fault"] is True
    messages = [each["message"] for each in exported.segment["cause"]["exceptions"]]
    assert "[SQL: INSERT INTO users (email) VALUES (%(email)s)]\n[parameters: REDACTED]" in messages[0]
    _assert_hides(exported, SECRET)


def _assert_hides(exported: Exported, *values: str) -> None:
    document = json.dumps([exported.spans, exported.segment])
    assert not [value for value in values if value in document]
