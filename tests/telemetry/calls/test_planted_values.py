"""The values in a driver's exception reach no sink: spans, segments, log lines and error items show the rest of it."""

from __future__ import annotations

import json
import logging

import psycopg
import sqlalchemy.exc
from flask import Flask

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.segments import get_trace_id
from tests.telemetry.tracing import flush

SECRET = "planted-value"
DRIVER = psycopg.errors.UniqueViolation(
    f'duplicate key value violates unique constraint "users_pkey"\nDETAIL:  Key (email)=({SECRET}) already exists.'
)
ERROR = sqlalchemy.exc.IntegrityError(f"INSERT INTO users VALUES ('{SECRET}', %(email)s)", {"email": SECRET}, DRIVER)  # noqa: S608 - the value is planted


def test_no_sink_gets_the_values_in_a_drivers_exception(app: Flask, backends: FakeBackends) -> None:
    @app.get("/insert")
    def insert() -> str:
        try:
            raise DRIVER
        except psycopg.Error as error:
            logging.getLogger("shop").exception("cannot insert: %s", error)  # noqa: TRY401 - as many handlers do
            raise ERROR from error

    trace_id = get_trace_id(app, "/insert", 500)
    flush(app)
    [item] = eventually(lambda: backends.items(trace_id), 1)
    exported = {
        "spans": backends.spans(trace_id),
        "segments": backends.segments_of(trace_id),
        "lines": backends.lines_of(trace_id),
        "items": [item],
    }
    for name, documents in exported.items():
        text = json.dumps(documents)
        assert "Key (email)=(?) already exists." in text, name
        assert "INSERT INTO users VALUES (?, %(email)s)" in text, name
        assert SECRET not in text, name
