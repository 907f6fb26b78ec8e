"""The declarations ask for what the service emits; a mistake in one is named by file and field."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from operations.honeycomb.__main__ import DECLARATIONS
from operations.honeycomb.columns import QueryColumns
from operations.honeycomb.declarations import Declarations, columns, load
from operations.honeycomb.errors import HoneycombError
from service.contract import FRONTEND_SERVICE_NAME, HEALTH_CHECK_PATH, SERVICE_NAME
from tests.telemetry.conftest import AppMaker, make_app, observatory
from tests.telemetry.observatory import Observatory, eventually
from tests.telemetry.segments import ask

__all__ = ["make_app", "observatory"]

WEB_SOURCES = Path(__file__).parents[2] / "service" / "web" / "src"
BACKEND = SERVICE_NAME.lower()
FRONTEND = FRONTEND_SERVICE_NAME.lower()

HONEYCOMBS_OWN = {
    *("name", "duration_ms", "trace.trace_id", "trace.span_id", "trace.parent_id", "span.kind", "status_code"),
    *("status_message", "error", "type", "meta.signal_type", "meta.annotation_type", "span.num_events"),
}
"""What Honeycomb makes of a span's own fields ("OpenTelemetry: how spans become events")."""

_ATTRIBUTE = re.compile(r'setAttribute\("([\w.]+)"|"(\w+(?:\.\w+)+)":')


Change = Callable[[dict[str, Any]], object]


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DECLARATIONS, tmp_path / "honeycomb"))


def edit(folder: Path, file: str, change: Change) -> None:
    document = json.loads((folder / file).read_text(encoding="utf-8"))
    change(document)
    (folder / file).write_text(json.dumps(document), encoding="utf-8")


def attributes_of(spans: list[dict[str, Any]]) -> set[str]:
    return {name for span in spans for part in ("attributes", "resource") for name in span[part]}


@pytest.fixture
def of_the_backend(make_app: AppMaker, observatory: Observatory) -> set[str]:
    """Return what the spans of one good request and one that fails, both of a known user, really have."""
    app = make_app({**observatory.environment, "FAULT_ROUTES": "true", "ALB_AUTHENTICATES": "true"})
    user = {"X-Amzn-Oidc-Identity": "worf"}
    traces = [ask(app, "/api/activities/home", 200, user), ask(app, "/api/fault", 500, user)]
    return {name for each in traces for name in attributes_of(eventually(partial(observatory.spans, each), 1))}


@pytest.fixture
def of_the_browser() -> set[str]:
    """Return the names that the page's sources put on spans. This reads the text and sees no span.

    The browser's spans are really seen in tests/acceptance/test_browser.py, whose test of `make ask` runs every query
    of the board over what a browser sent; this one notices a misspelt column without a browser.
    """
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(WEB_SOURCES.glob("*.ts")))
    return {name for found in _ATTRIBUTE.findall(sources) for name in found if name}


def unknown(declared: Declarations, backend: set[str], browser: set[str]) -> set[tuple[str, str]]:
    """Return what is asked for that no span has."""
    known = {BACKEND: backend, FRONTEND: browser, "__all__": backend | browser}
    return {(dataset, name) for dataset, name in columns(declared) if name not in known[dataset] | HONEYCOMBS_OWN}


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_every_column_that_is_asked_for_is_one_that_spans_have(
    of_the_backend: set[str], of_the_browser: set[str]
) -> None:
    assert unknown(load(DECLARATIONS), of_the_backend, of_the_browser) == set()


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("file", ["latency-by-user", "web-vitals-by-page", "recent-traces"])
def test_a_column_that_no_span_has_is_noticed(
    tmp_path: Path, file: str, of_the_backend: set[str], of_the_browser: set[str]
) -> None:
    folder = copied(tmp_path)
    edit(folder, f"queries/{file}.json", lambda document: document["query"]["breakdowns"].append("enduser.id"))

    [(_, column)] = unknown(load(folder), of_the_backend, of_the_browser)

    assert column == "enduser.id"


def test_the_names_that_are_declared_are_those_of_the_contract() -> None:
    declared = load(DECLARATIONS)
    assert {each.dataset for each in declared.queries.values()} == {BACKEND, FRONTEND, "__all__"}
    left_out = {
        each["value"]
        for query in declared.queries.values()
        for each in query.specification["filters"]
        if each["op"] == "!="
    }
    assert left_out == {HEALTH_CHECK_PATH}


def test_a_server_span_is_asked_for_by_its_kind_because_a_clicks_has_a_parent() -> None:
    for query in load(DECLARATIONS).queries.values():
        if query.dataset == BACKEND:
            assert {"column": "span.kind", "op": "=", "value": "server"} in query.specification["filters"]
            assert "trace.parent_id" not in query.columns


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("COALESCE($http.route, $url.template)", {"http.route", "url.template"}),
        ('IF(EQUALS($"a name", "$not.one"), `$nor_this`, $so-is-this)', {"a name", "so-is-this"}),
        ("EVENT_TIMESTAMP()", set()),
    ],
)
def test_the_columns_of_a_formula_are_asked_for_and_its_own_name_is_not(expression: str, asked: set[str]) -> None:
    fields = [{"name": "own", "expression": expression}]
    assert QueryColumns({"calculated_fields": fields, "breakdowns": ["own", "name"]}).names == {*asked, "name"}


def replaced(**fields: object) -> Change:
    return lambda document: document.update(fields)


def without(name: str) -> Change:
    return lambda document: document.pop(name)


def in_query(**fields: object) -> Change:
    return lambda document: document["query"].update(fields)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("queries/recent-traces.json", without("dataset"), "dataset of honeycomb/{file} is missing"),
        ("queries/recent-traces.json", replaced(name=7), "name of honeycomb/{file} is not text"),
        ("queries/recent-traces.json", replaced(name=""), "name of honeycomb/{file} has 0 characters"),
        ("queries/recent-traces.json", replaced(descripton=""), "descripton of honeycomb/{file} is unknown"),
        ("queries/recent-traces.json", replaced(query=[]), "query of honeycomb/{file} is not an object"),
        ("queries/recent-traces.json", in_query(filters=["a"]), "query.filters of honeycomb/{file} is not a list"),
        ("queries/recent-traces.json", in_query(breakdowns="a"), "query.breakdowns of honeycomb/{file} is not a list"),
        ("queries/recent-traces.json", in_query(calculations=[]), "query.calculations of honeycomb/{file} is missing"),
        (
            "triggers/server-errors.json",
            replaced(query="nowhere"),
            "query of honeycomb/{file} is 'nowhere'; give",
        ),
        ("triggers/server-errors.json", replaced(frequency=61), "frequency of honeycomb/{file} is 61; give whole min"),
        ("triggers/server-errors.json", replaced(frequency=True), "frequency of honeycomb/{file} is True; give"),
        ("triggers/server-errors.json", replaced(threshold={}), "threshold.op of honeycomb/{file} is missing"),
        ("board.json", replaced(panels=[1]), "panels[0] of honeycomb/{file} is not an object"),
        ("board.json", replaced(panels=[{"query": "recent-traces"}]), "panels[0].style of honeycomb/{file} is missing"),
        ("board.json", replaced(panels={}), "panels of honeycomb/{file} is not a list"),
    ],
)
def test_a_mistake_is_named_by_file_and_field(tmp_path: Path, file: str, change: Change, said: str) -> None:
    folder = copied(tmp_path)
    edit(folder, file, change)

    with pytest.raises(HoneycombError) as raised:
        load(folder)

    assert str(raised.value).startswith(said.format(file=file))
    assert f"Mend honeycomb/{file}" in str(raised.value)


@pytest.mark.parametrize("text", ["{", "", "[1]", "\xff", '{"name": "twice"} {}'])
def test_a_file_that_is_no_json_object_is_named(tmp_path: Path, text: str) -> None:
    folder = copied(tmp_path)
    (folder / "board.json").write_text(text, encoding="latin-1")

    with pytest.raises(HoneycombError, match=r"^honeycomb/board\.json is not "):
        load(folder)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "board.json").unlink()

    with pytest.raises(HoneycombError, match=r"honeycomb/board\.json cannot be read \(No such file"):
        load(folder)


def test_a_folder_without_queries_is_named(tmp_path: Path) -> None:
    with pytest.raises(HoneycombError, match="/queries holds no declaration"):
        load(tmp_path)
