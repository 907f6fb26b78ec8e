"""Which instrumentations are on, from when on, and what is said of those that are not."""

from __future__ import annotations

import pytest

from flask_onetrace.settings import Settings
from tests.telemetry.instrumentations.programs import run

LIBRARIES = (
    "botocore.client",
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


def test_a_library_is_instrumented_when_it_is_imported_and_not_imported_before() -> None:
    program = """
app = new_app()
libraries = json.loads(sys.argv[1])
imported = [each for each in libraries if each in sys.modules]
before = detail()
import redis
finish([imported, before["redis"], detail()["redis"], detail()["threading"]])
"""
    assert run(program, LIBRARIES) == [[], "on when imported", "on", "on"]


def test_every_installed_library_can_be_instrumented() -> None:
    program = """
support_any_version()
app = new_app()
for each in json.loads(sys.argv[1]):
    __import__(each)
from celery import Celery
finish([each for each in detail().items() if each[1] != "on"])
"""
    assert run(program, LIBRARIES) == [["flask", "unused: the service's middleware makes the server spans"]]


def test_a_version_that_is_not_supported_is_off_and_a_warning_says_so_once_the_library_is_used() -> None:
    program = """
import importlib.metadata, logging
version = importlib.metadata.version
from opentelemetry.instrumentation import dependencies
dependencies.version = lambda name: "1.0" if name == "redis" else version(name)
app = new_app()
lines = []
logging.getLogger().addHandler(handler := logging.Handler())
handler.emit = lambda record: lines.append([record.levelname, record.getMessage()])
before = list(lines)
import redis
finish([detail()["redis"], before, lines])
"""
    state, before, lines = run(program)
    assert (state, before) == ("off: needs redis >=2.6, found 1.0", [])
    assert lines == [
        [
            "WARNING",
            "calls of redis are not traced: their instrumentation needs redis >=2.6, found 1.0: install a supported"
            " version, or an instrumentation that supports it, or add redis to OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        ]
    ]


@pytest.mark.parametrize("disabled", ["redis, httpx", "*"])
def test_what_is_disabled_is_off_without_a_warning_and_its_library_works(disabled: str) -> None:
    program = """
import logging
app = new_app(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=json.loads(sys.argv[1]))
lines = []
logging.getLogger().addHandler(handler := logging.Handler())
handler.emit = lambda record: lines.append(record.getMessage())
def call():
    import redis, httpx
    for function in (lambda: redis.Redis(port=9, retry=None).get("key"), lambda: httpx.get("http://127.0.0.1:9")):
        try:
            function()
        except (redis.ConnectionError, httpx.ConnectError):
            pass
    return ""
finish([spans_of(app, call), detail()["redis"], [each for each in lines if "redis" in each]])
"""
    spans, state, lines = run(program, disabled)
    assert (spans, state) == ([], "disabled by OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
    assert lines == []


def test_an_instrumentation_that_fails_neither_breaks_the_import_nor_stays_unnoticed() -> None:
    program = """
import logging
from opentelemetry.instrumentation.redis import RedisInstrumentor
for each in [each for each in sys.modules if each.partition(".")[0] == "redis"]:
    del sys.modules[each]
def fail(self, **options):
    raise RuntimeError("too new")
RedisInstrumentor._instrument = fail
lines = []
logging.getLogger().addHandler(handler := logging.Handler())
handler.emit = lambda record: lines.append(record.getMessage())
app = new_app()
import redis
finish([detail()["redis"], lines, bool(redis.Redis)])
"""
    state, lines, works = run(program)
    assert (state, works) == ("off: failed: RuntimeError: too new", True)
    assert lines == [
        "calls of redis are not traced: their instrumentation failed: RuntimeError: too new: upgrade or remove it, or"
        " add redis to OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
    ]


def test_an_absent_library_is_not_mentioned() -> None:
    assert "aiobotocore" not in run("new_app()\nfinish(detail())")


def test_a_name_that_no_instrumentation_can_have_is_rejected() -> None:
    settings = Settings.from_env({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "redis;httpx, urllib3"})
    message = settings.unusable_variables["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"]
    assert "'redis;httpx' is not the name of an instrumentation: set for example `redis" in message
    assert message.endswith("(used instead: urllib3)")
    assert settings.disabled_instrumentations == {"urllib3"}


def test_without_any_instrumentation_calls_have_no_span_and_the_baggage_rule_holds() -> None:
    program = """
from flask_onetrace.telemetry.instrumentations import discovery
discovery.entry_points = lambda group: ()
app = new_app()
def call():
    import requests
    try:
        requests.get("http://127.0.0.1:9", headers={"baggage": "user=42"})
    except requests.ConnectionError as error:
        assert "baggage" not in error.request.headers, error.request.headers
    return ""
finish([spans_of(app, call), detail(), "opentelemetry.instrumentation.requests" in sys.modules])
"""
    assert run(program) == [[], {}, False]


def test_a_package_whose_requirements_cannot_be_read_is_left_out_and_named() -> None:
    program = """
import logging
from flask_onetrace.telemetry.instrumentations import discovery
read = discovery.get_dist_dependency_conflicts
def conflicts(distribution):
    if distribution.name.endswith("redis"):
        raise ValueError("no requirement")
    return read(distribution)
discovery.get_dist_dependency_conflicts = conflicts
lines = []
logging.getLogger().addHandler(handler := logging.Handler())
handler.emit = lambda record: lines.append(record.getMessage())
new_app()
finish([lines, "redis" in detail(), detail()["httpx"]])
"""
    assert run(program) == [
        [
            "the instrumentation redis is left out, its package cannot be read: ValueError: no requirement:"
            " upgrade or remove it"
        ],
        False,
        "on when imported",
    ]
