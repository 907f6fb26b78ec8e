"""The declared queries use columns that spans have; a mistake in a declaration is named by file and field."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.testbed.application import FRONTEND as FRONTEND_NAME
from operations.errors import OperatorError
from operations.honeycomb.__main__ import DECLARATIONS
from operations.honeycomb.declarations import Declarations, Query, load
from tests.operations.honeycomb_rig import required_columns
from tests.sample import CRUDDUR, names_of
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory, backends, make_app
from tests.telemetry.segments import get_trace_id

__all__ = ["backends", "make_app"]

WEB_SOURCES = Path(__file__).parents[2] / "service" / "web" / "src"
BACKEND = CRUDDUR.service_name.lower()
FRONTEND = FRONTEND_NAME.lower()

HONEYCOMB_COLUMNS = {
    *("name", "duration_ms", "trace.trace_id", "trace.span_id", "trace.parent_id", "span.kind", "status_code"),
    *("status_message", "error", "type", "meta.signal_type", "meta.annotation_type", "span.num_events"),
}
"""The columns that Honeycomb makes of a span's own fields ("OpenTelemetry: how spans become events")."""

_ATTRIBUTE = re.compile(r'setAttribute\("([\w.]+)"|"(\w+(?:\.\w+)+)":')


Change = Callable[[dict[str, Any]], object]


def copy_declarations(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DECLARATIONS, tmp_path / "honeycomb"))


def edit(folder: Path, file: str, change: Change) -> None:
    document = json.loads((folder / file).read_text(encoding="utf-8"))
    change(document)
    (folder / file).write_text(json.dumps(document), encoding="utf-8")


def attributes_of(spans: list[dict[str, Any]]) -> set[str]:
    return {name for span in spans for part in ("attributes", "resource") for name in span[part]}


@pytest.fixture
def backend_columns(make_app: AppFactory, backends: FakeBackends) -> set[str]:
    """Return the attributes of the spans of a successful and a failed request, both with a user."""
    app = make_app({**backends.environment, "FAULT_ROUTES": "true", "TRUST_USER_HEADER": "true"})
    user = {"X-Cruddur-User": "worf"}
    traces = [get_trace_id(app, "/api/activities/home", 200, user), get_trace_id(app, "/api/fault", 500, user)]
    return {name for each in traces for name in attributes_of(eventually(partial(backends.spans, each), 1))}


@pytest.fixture
def browser_columns() -> set[str]:
    """Return the attribute names in the page's sources.

    tests/acceptance/test_browser.py has the spans of a real browser: there `make ask` runs every query of the board on
    them. This finds a misspelt column without a browser.
    """
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(WEB_SOURCES.rglob("*.ts")))
    return {name for groups in _ATTRIBUTE.findall(sources) for name in groups if name}


def missing_columns(declared: Declarations, backend: set[str], browser: set[str]) -> set[tuple[str, str]]:
    """Return the required columns that no span has."""
    existing = {BACKEND: backend, FRONTEND: browser, "__all__": backend | browser}
    required = required_columns(declared)
    return {(dataset, name) for dataset, name in required if name not in existing[dataset] | HONEYCOMB_COLUMNS}


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_spans_have_every_column_that_a_query_needs(backend_columns: set[str], browser_columns: set[str]) -> None:
    assert missing_columns(load(DECLARATIONS, names_of("dev")), backend_columns, browser_columns) == set()


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("file", ["latency-by-user", "web-vitals-by-page", "recent-traces"])
def test_a_column_that_no_span_has_is_reported(
    tmp_path: Path, file: str, backend_columns: set[str], browser_columns: set[str]
) -> None:
    folder = copy_declarations(tmp_path)
    edit(folder, f"queries/{file}.json", lambda document: document["query"]["breakdowns"].append("enduser.id"))

    [(_, column)] = missing_columns(load(folder, names_of("dev")), backend_columns, browser_columns)

    assert column == "enduser.id"


def test_the_declarations_use_the_names_of_the_contract() -> None:
    declared = load(DECLARATIONS, names_of("dev"))
    assert {each.dataset for each in declared.queries.values()} == {BACKEND, FRONTEND, "__all__"}
    excluded_routes = {
        each["value"]
        for query in declared.queries.values()
        for each in query.specification["filters"]
        if each["op"] == "!="
    }
    assert excluded_routes == {CRUDDUR.health_check_path}


def test_server_spans_are_filtered_by_kind_because_those_below_a_click_have_a_parent() -> None:
    for query in load(DECLARATIONS, names_of("dev")).queries.values():
        if query.dataset == BACKEND:
            assert {"column": "span.kind", "op": "=", "value": "server"} in query.specification["filters"]
            assert "trace.parent_id" not in query.columns


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("COALESCE($http.route, $url.template)", {"http.route", "url.template"}),
        ('IF(EQUALS($"a name", "$not.one"), `$nor_this`, $so-is-this)', {"a name", "so-is-this"}),
        ("EVENT_TIMESTAMP()", set()),
    ],
)
def test_a_query_needs_the_columns_of_its_formulas_and_not_their_names(expression: str, columns: set[str]) -> None:
    fields = [{"name": "own", "expression": expression}]
    specification = {"calculated_fields": fields, "breakdowns": ["own", "name"]}
    query = Query(
        application="cruddur", key="any", name="Any", description="Any.", dataset=BACKEND, specification=specification
    )
    assert query.columns == {*columns, "name"}


def with_fields(**fields: object) -> Change:
    return lambda document: document.update(fields)


def without(name: str) -> Change:
    return lambda document: document.pop(name)


def with_query_fields(**fields: object) -> Change:
    return lambda document: document["query"].update(fields)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("queries/recent-traces.json", without("dataset"), "'dataset' is a required property"),
        ("queries/recent-traces.json", with_fields(name=7), "name: 7 is not of type 'string'"),
        ("queries/recent-traces.json", with_fields(name=""), "name: '' should be non-empty"),
        (
            "queries/recent-traces.json",
            with_fields(descripton=""),
            "Additional properties are not allowed ('descripton' ",
        ),
        ("queries/recent-traces.json", with_fields(query=[]), "query: [] is not of type 'object'"),
        (
            "queries/recent-traces.json",
            with_query_fields(filters=["a"]),
            "query.filters[0]: 'a' is not of type 'object'",
        ),
        (
            "queries/recent-traces.json",
            with_query_fields(breakdowns="a"),
            "query.breakdowns: 'a' is not of type 'array'",
        ),
        (
            "queries/recent-traces.json",
            with_query_fields(calculations=[]),
            "query.calculations: [] should be non-empty",
        ),
        (
            "triggers/server-errors.json",
            with_fields(query="nowhere"),
            "query: 'nowhere' is not one of ['errors-by-route'",
        ),
        ("triggers/server-errors.json", with_fields(frequency=61), "frequency: 61 is not a multiple of 60"),
        ("triggers/server-errors.json", with_fields(frequency=True), "frequency: True is not of type 'integer'"),
        ("triggers/server-errors.json", with_fields(threshold={}), "threshold: 'op' is a required property"),
        ("board.json", with_fields(panels=[1]), "panels[0]: 1 is not of type 'object'"),
        ("board.json", with_fields(panels=[{"query": "recent-traces"}]), "panels[0]: 'style' is a required property"),
        ("board.json", with_fields(panels={}), "panels: {} is not of type 'array'"),
    ],
)
def test_a_mistake_is_named_by_file_and_field(tmp_path: Path, file: str, change: Change, message: str) -> None:
    folder = copy_declarations(tmp_path)
    edit(folder, file, change)

    with pytest.raises(OperatorError) as error:
        load(folder, names_of("dev"))

    assert str(error.value).startswith(f"{folder / file}: {message}")
    assert "declarations.schema.json" in error.value.remedy


@pytest.mark.parametrize("text", ["{", "", "[1]", "\xff", '{"name": "twice"} {}'])
def test_a_file_that_is_no_json_object_is_named(tmp_path: Path, text: str) -> None:
    folder = copy_declarations(tmp_path)
    (folder / "board.json").write_text(text, encoding="latin-1")

    with pytest.raises(OperatorError, match=r"/honeycomb/board\.json(: \[1\] is not of type 'object'| is not JSON)"):
        load(folder, names_of("dev"))


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    folder = copy_declarations(tmp_path)
    (folder / "board.json").unlink()

    with pytest.raises(OperatorError, match=r"/honeycomb/board\.json cannot be read \(No such file"):
        load(folder, names_of("dev"))


def test_a_folder_without_queries_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="/queries holds no declaration"):
        load(tmp_path, names_of("dev"))
