"""A statement is one span: SQLAlchemy's where SQLAlchemy executes it, else the driver's."""

from __future__ import annotations

from typing import Final

import pytest

from tests.telemetry.instrumentations.programs import run

DRIVER: Final = """
import sqlite3
import pymysql

support_any_version()
# A driver without a server: statements are SQLite's.
pymysql.connect = lambda **_: sqlite3.connect(":memory:")
"""
STATEMENTS: Final = """
def statements():
    import sqlalchemy
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: pymysql.connect())
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("create table t (a int)"))
        connection.execute(sqlalchemy.text("insert into t values (:a)"), [{"a": 1}, {"a": 2}])
        connection.exec_driver_sql("select 1")
        try:
            connection.execute(sqlalchemy.text("select nothing"))
        except sqlalchemy.exc.OperationalError:
            pass
        cursor = connection.connection.cursor()
        cursor.execute("select 2")
        cursor.close()
    engine.dispose()
    return ""
"""
EACH: Final = [
    ["connect", "sqlalchemy"],
    ["create", "sqlalchemy"],
    ["insert", "sqlalchemy"],
    ["select", "sqlalchemy"],
    ["select", "sqlalchemy"],
    ["select", "pymysql"],
]


@pytest.mark.parametrize("first", ["", "import sqlalchemy", "import pymysql, sqlalchemy.orm"])
def test_each_statement_is_one_span(first: str) -> None:
    assert run(f"{DRIVER}{first}\napp = new_app(){STATEMENTS}finish(spans_of(app, statements))") == EACH


@pytest.mark.parametrize("options", ["", ".execution_options(logging_token='token')"])
def test_an_engine_that_was_created_before_the_app_has_spans_too(options: str) -> None:
    program = f"""
import sqlalchemy
engine = sqlalchemy.create_engine("sqlite://", creator=lambda: pymysql.connect()){options}
app = new_app()
def statement():
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select 1"))
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select 2"))
    engine.dispose()
    return ""
finish(spans_of(app, statement))
"""
    assert run(DRIVER + program) == [["connect", "sqlalchemy"], ["select", "sqlalchemy"]] * 2


def test_a_listener_of_the_applications_that_executes_statements_still_does() -> None:
    program = """
app = new_app()
def statement():
    import sqlalchemy
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: pymysql.connect())
    @sqlalchemy.event.listens_for(engine, "do_execute")
    def execute(cursor, statement, parameters, context):
        cursor.execute("select 42")
        return True
    with engine.connect() as connection:
        value = connection.execute(sqlalchemy.text("select 1")).scalar()
    engine.dispose()
    return str(value)
app.view = statement
finish(app.test_client().get("/view").text)
"""
    assert run(DRIVER + program) == "42"


def test_statements_of_a_request_that_is_not_sampled_build_no_span() -> None:
    program = """
from flask_onetrace.telemetry.spans import tracer
app = new_app(XRAY_SAMPLING_RULE='{"RuleName":"never","FixedRate":0,"ReservoirSize":0}', TAIL_SAMPLING_PER_SECOND="0")
built = []
tracer.LightSpan = lambda *args, **kwargs: built.append(args)
app.view = statements
with app.test_client().get("/view", buffered=True) as response:
    finish([response.status_code, built])
"""
    assert run(DRIVER + STATEMENTS + program) == [200, []]


@pytest.mark.parametrize("patched", ["sqlalchemy_core", "pymysql"])
def test_sqlalchemy_and_a_driver_that_the_x_ray_sdk_has_patched_are_one_span(patched: str) -> None:
    program = f"""
import sqlalchemy
class Connection(sqlite3.Connection):
    user, server_version = b"user", "8"  # what the SDK reads of MySQL's
pymysql.connect = lambda **_: sqlite3.connect(":memory:", factory=Connection)
from aws_xray_sdk.core import patch
patch(({patched!r},))
app = new_app()
def statement():
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: pymysql.connect())
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select 1"))
        cursor = connection.connection.cursor()
        cursor.execute("select 2")
        cursor.close()
    engine.dispose()
    return ""
finish([module for name, module in spans_of(app, statement) if name != "pragma"])
"""
    sdk = "xray_context"
    expected = [sdk, "pymysql"] if patched == "sqlalchemy_core" else ["sqlalchemy", "sqlalchemy", sdk]
    assert run(DRIVER + program) == expected


def test_an_application_that_turns_sqlalchemys_on_itself_has_one_span_too() -> None:
    program = """
app = new_app(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="sqlalchemy")
import sqlalchemy
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
SQLAlchemyInstrumentor().instrument(skip_dep_check=True)
finish(spans_of(app, statements))
"""
    assert run(DRIVER + STATEMENTS + program) == EACH
