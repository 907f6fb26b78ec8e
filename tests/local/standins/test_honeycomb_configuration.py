from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.standins import honeycomb_configuration
from local.standins.honeycomb_configuration_store import Environment, Refusal
from tests.local.standins.conftest import Serve

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

KEY = "fake-configuration-key-77aa"
COLUMNS = ("duration_ms", "name", "user.id")
COUNT = {"calculations": [{"op": "COUNT"}], "time_range": 600}
P99 = [{"op": "P99", "column": "duration_ms"}]
Document = dict[str, Any]


class Api:
    """Calls one stand-in with the right key."""

    def __init__(self, serve: Serve) -> None:
        self.environment = Environment(datasets={"backend": COLUMNS, "free": None}, key=KEY)
        self.url = serve(honeycomb_configuration.create_app(self.environment))

    def call(self, method: str, path: str, body: object = None, key: str = KEY) -> requests.Response:
        return requests.request(method, self.url + path, json=body, headers={"X-Honeycomb-Team": key}, timeout=5)

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        answer = self.call("GET", path)
        assert answer.status_code == 200
        return answer.json()

    def post(self, path: str, body: object, status: int = 201) -> Document:
        answer = self.call("POST", path, body)
        assert answer.status_code == status, answer.text
        made: Document = answer.json()
        return made

    def query(self, dataset: str = "backend", **fields: object) -> str:
        made: str = self.post(f"/1/queries/{dataset}", {**COUNT, **fields}, 200)["id"]
        return made

    def faults(self, path: str, body: object) -> list[str]:
        """Return the fields that a refused body is refused for."""
        answer = self.call("POST", path, body)
        assert answer.status_code == 422, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert {"status", "type", "title", "error"} <= set(problem)
        return [each["field"] for each in problem["type_detail"]]


@pytest.fixture
def api(serve: Serve) -> Api:
    return Api(serve)


def board_of(query: str, annotation: str) -> Document:
    panel = {"query_id": query, "query_annotation_id": annotation}
    return {"name": "Board", "type": "flexible", "panels": [{"type": "query", "query_panel": panel}]}


def trigger_of(query_id: str, /, **fields: object) -> Document:
    return {"name": "Trigger", "query_id": query_id, "threshold": {"op": ">", "value": 1}, "frequency": 300, **fields}


def test_everything_that_is_made_is_listed_as_it_was_given(api: Api) -> None:
    query = api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "description": "d", "query_id": query})
    board = api.post("/1/boards", board_of(query, annotation["id"]))
    trigger = api.post("/1/triggers/backend", trigger_of(query))

    assert api.get(f"/1/queries/backend/{query}") == {**COUNT, "id": query}
    assert api.get("/1/query_annotations/backend") == [annotation]
    assert (annotation["name"], annotation["source"]) == ("A", "query")
    assert api.get("/1/boards") == [board]
    assert board["panels"][0]["query_panel"]["dataset"] == "backend"
    assert api.get("/1/triggers/backend") == [trigger]
    assert (trigger["query"]["id"], trigger["alert_type"], trigger["dataset_slug"]) == (query, "on_change", "backend")


def test_writes_are_counted_and_reads_are_not(api: Api) -> None:
    api.query()
    api.get("/1/boards")
    api.call("POST", "/1/boards", {})

    assert api.environment.writes == api.get("/writes") == ["POST /1/queries/backend"]


def test_the_key_says_what_it_opens(api: Api) -> None:
    api.environment.denied = frozenset({"boards"})

    key = api.get("/1/auth")

    assert (key["type"], key["environment"]["slug"], key["team"]["slug"]) == ("configuration", "local", "cruddur")
    assert (key["api_key_access"]["boards"], key["api_key_access"]["columns"]) == (False, True)


@pytest.mark.parametrize("key", ["", "another"])
def test_another_key_opens_nothing(api: Api, key: str) -> None:
    assert api.call("GET", "/1/auth", key=key).status_code == 401
    assert api.call("POST", "/1/queries/backend", COUNT, key=key).status_code == 401


@pytest.mark.parametrize(
    ("permission", "path"), [("columns", "/1/columns/backend"), ("boards", "/1/boards"), ("triggers", "/1/triggers/x")]
)
def test_a_key_without_the_permission_is_refused(api: Api, permission: str, path: str) -> None:
    api.environment.denied = frozenset({permission})
    assert api.call("GET", path).status_code == 403


def test_an_ingest_key_configures_nothing(api: Api) -> None:
    api.environment.key_type = "ingest"
    assert api.get("/1/auth")["api_key_access"] == {"createDatasets": True}
    assert api.call("POST", "/1/queries/backend", COUNT).status_code == 403


def test_a_dataset_that_nothing_was_sent_to_is_not_found(api: Api) -> None:
    for path in ("/1/columns/nowhere", "/1/query_annotations/nowhere", "/1/triggers/nowhere"):
        assert api.call("GET", path).status_code == 404
    assert api.call("POST", "/1/queries/nowhere", COUNT).status_code == 404


def test_the_environment_has_the_columns_of_all_its_datasets(api: Api) -> None:
    api.environment.datasets = {"backend": COLUMNS, "frontend": ("page.route",)}

    assert {each["key_name"] for each in api.get("/1/columns/__all__")} == {*COLUMNS, "page.route"}
    assert [each["slug"] for each in api.get("/1/datasets")] == ["backend", "frontend"]
    api.query("__all__", breakdowns=["page.route", "user.id"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"calculations": [{"op": "P42", "column": "duration_ms"}]}, "calculations[0].op"),
        ({"calculations": [{"column": "duration_ms"}]}, "calculations[0].op"),
        ({"calculations": [{"op": "P99"}]}, "calculations[0].column"),
        ({"calculations": [{"op": "COUNT", "column": "name"}]}, "calculations[0].column"),
        ({"calculations": {"op": "COUNT"}}, "calculations"),
        ({"filters": [{"column": "name", "op": "like", "value": "x"}]}, "filters[0].op"),
        ({"filters": [{"op": "exists"}]}, "filters[0].column"),
        ({"filters": [{"column": "name", "op": "exists", "value": 1}]}, "filters[0].value"),
        ({"filters": [{"column": "name", "op": "="}]}, "filters[0].value"),
        ({"filters": [{"column": "name", "op": "in", "value": "x"}]}, "filters[0].value"),
        ({"filters": [{"column": "name", "op": "=", "value": ["x"]}]}, "filters[0].value"),
        ({"filter_combination": "XOR"}, "filter_combination"),
        ({"breakdowns": "name"}, "breakdowns"),
        ({"breakdowns": ["name"] * 101}, "breakdowns"),
        ({"orders": [{"op": "P99", "column": "duration_ms"}]}, "orders[0]"),
        ({"orders": [{"column": "name"}]}, "orders[0]"),
        ({"orders": [{"op": "COUNT", "order": "down"}]}, "orders[0].order"),
        ({"havings": [{"calculate_op": "P99", "column": "duration_ms", "op": ">", "value": 1}]}, "havings[0]"),
        ({"havings": [{"calculate_op": "HEATMAP"}]}, "havings[0].calculate_op"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": True}, "limit"),
        ({"time_range": "7200"}, "time_range"),
        ({"time_range": 600, "start_time": 1, "end_time": 2}, "time_range"),
        ({"start_time": 2, "end_time": 1, "time_range": None}, "time_range"),
        ({"granularity": 601}, "granularity"),
        ({"compare_time_offset_seconds": 5}, "compare_time_offset_seconds"),
        ({"time_range": 7200, "compare_time_offset_seconds": 3600}, "compare_time_offset_seconds"),
        ({"calculated_fields": [{"name": "x"}]}, "calculated_fields[0].expression"),
        ({"breakdown": ["name"]}, "breakdown"),
        ({"breakdowns": ["enduser.id"]}, "breakdowns[0]"),
        ({"filters": [{"column": "enduser.id", "op": "exists"}]}, "filters[0].column"),
        (
            {"calculated_fields": [{"name": "x", "expression": "COALESCE($name, $enduser.id)"}]},
            "calculated_fields[0].expression",
        ),
    ],
)
def test_a_query_that_is_none_is_refused_by_field(api: Api, query: Document, field: str) -> None:
    assert field in api.faults("/1/queries/backend", {**COUNT, **query})
    assert api.environment.queries == {}


def test_a_query_may_use_all_that_is_described(api: Api) -> None:
    api.query(
        calculations=[{"op": "COUNT", "column": None}, *P99, {"op": "MAX", "column": "own"}],
        calculated_fields=[{"name": "own", "expression": 'IF(EQUALS($name, "$x"), 1, 0)'}],
        breakdowns=["name", "own"],
        filters=[{"column": "name", "op": "not-in", "value": ["a"]}, {"column": "own", "op": "exists"}],
        filter_combination="OR",
        orders=[{"op": "P99", "column": "duration_ms", "order": "descending"}, {"column": "name"}],
        havings=[{"calculate_op": "COUNT", "op": ">", "value": 3}],
        limit=1000,
        granularity=60,
        compare_time_offset_seconds=3600,
    )


def test_where_the_columns_are_unknown_any_is_taken(api: Api) -> None:
    api.query("free", breakdowns=["whatever"])
    assert api.get("/1/columns/free") == []


def test_a_body_that_is_no_json_is_refused(api: Api) -> None:
    headers = {"X-Honeycomb-Team": KEY}
    assert requests.post(f"{api.url}/1/boards", data="{", headers=headers, timeout=5).status_code == 400


def test_the_query_of_an_annotation_never_changes(api: Api) -> None:
    first, second = api.query(), api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "query_id": first})["id"]
    path = f"/1/query_annotations/backend/{annotation}"

    moved = api.call("PUT", path, {"name": "A", "query_id": second})
    renamed = api.call("PUT", path, {"name": "B", "query_id": first})

    assert (moved.status_code, moved.json()) == (400, {"error": "queries in annotations cannot be changed"})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["id"]) == (200, "B", annotation)
    assert api.call("PUT", path, {"name": "B"}).status_code == 422
    assert api.call("PUT", path, {"name": "B", "query_id": first, "id": "other"}).status_code == 400
    assert api.call("PUT", f"{path}x", {"name": "B", "query_id": first}).status_code == 404


def test_an_annotation_is_of_a_query_of_its_dataset(api: Api) -> None:
    for query in ("nowhere", api.query("free")):
        answer = api.call("POST", "/1/query_annotations/backend", {"name": "A", "query_id": query})
        assert (answer.status_code, answer.json()) == (400, {"error": "Query ID included in body is invalid"})


def test_a_panel_shows_a_query_under_an_annotation_of_its_own(api: Api) -> None:
    first, second = api.query(), api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "query_id": first})["id"]

    assert api.faults("/1/boards", board_of(second, annotation)) == ["panels[0].query_panel"]
    assert api.faults("/1/boards", board_of(first, "nowhere")) == ["panels[0].query_panel"]
    api.post("/1/boards", board_of(first, annotation))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda board: board.pop("name"), "name"),
        (lambda board: board.update(type="visual"), "type"),
        (lambda board: board.update(name="n" * 256), "name"),
        (lambda board: board.update(description="d" * 1025), "description"),
        (lambda board: board.update(layout_generation="tidy"), "layout_generation"),
        (lambda board: board["panels"][0].update(type="image"), "panels[0].type"),
        (lambda board: board["panels"][0].update(position={"width": -1}), "panels[0].position.width"),
        (lambda board: board["panels"][0].pop("query_panel"), "panels[0].query_panel"),
        (
            lambda board: board["panels"][0]["query_panel"].update(query_style="pie"),
            "panels[0].query_panel.query_style",
        ),
        (lambda board: board["panels"].append({"type": "text", "text_panel": {}}), "panels[1].text_panel.content"),
        (lambda board: board.update(tags=[{"key": "k", "value": "v"}] * 11), "tags"),
    ],
)
def test_a_board_that_is_none_is_refused_by_field(api: Api, change: Callable[[Document], object], field: str) -> None:
    query = api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "query_id": query})["id"]
    board = board_of(query, annotation)
    change(board)

    assert api.faults("/1/boards", board) == [field]


def test_a_board_is_replaced_as_a_whole_but_for_its_preset_filters(api: Api) -> None:
    filters = [{"column": "name", "alias": "Name"}]
    board = {"name": "Board", "type": "flexible", "description": "d", "preset_filters": filters}
    made = api.post("/1/boards", board)["id"]

    changed = api.call("PUT", f"/1/boards/{made}", {"name": "New", "type": "flexible"}).json()

    assert (changed["id"], changed["name"], changed["description"]) == (made, "New", "")
    assert changed["preset_filters"] == filters
    assert api.call("PUT", "/1/boards/nowhere", board).status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"threshold": {"op": "=", "value": 1}}, "threshold.op"),
        ({"threshold": {"op": ">"}}, "threshold.value"),
        ({"threshold": {"op": ">", "value": 1, "exceeded_limit": 6}}, "threshold.exceeded_limit"),
        ({"frequency": 90}, "frequency"),
        ({"frequency": 86_460}, "frequency"),
        ({"frequency": 120}, "frequency"),
        ({"alert_type": "always"}, "alert_type"),
        ({"name": ""}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"query_id": "nowhere"}, "query_id"),
        ({"query": COUNT}, "query_id"),
    ],
)
def test_a_trigger_that_is_none_is_refused_by_field(api: Api, fields: Document, field: str) -> None:
    assert api.faults("/1/triggers/backend", trigger_of(api.query(), **fields)) == [field]


@pytest.mark.parametrize(
    "query",
    [
        {"calculations": [{"op": "COUNT"}, *P99]},
        {"calculations": [{"op": "HEATMAP", "column": "duration_ms"}]},
        {"limit": 10},
        {"orders": [{"op": "COUNT"}]},
        {"granularity": 60},
    ],
)
def test_a_trigger_asks_for_one_figure(api: Api, query: Document) -> None:
    assert len(api.faults("/1/triggers/backend", trigger_of(api.query(**query)))) == 1


def test_a_trigger_may_bring_its_query_along(api: Api) -> None:
    trigger = trigger_of("", query={"calculations": P99, "time_range": 600})
    del trigger["query_id"]

    made = api.post("/1/triggers/backend", trigger)

    assert api.get(f"/1/queries/backend/{made['query_id']}")["calculations"] == P99


def test_a_planned_rate_limit_comes_with_its_headers_and_then_is_over(api: Api) -> None:
    headers = {"Retry-After": "3", "RateLimit": "limit=100, remaining=0, reset=3"}
    api.environment.refuse(Refusal(status=429, headers=headers, method="GET", path="/boards"))

    assert api.call("GET", "/1/auth").status_code == 200
    refused = api.call("GET", "/1/boards")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert refused.headers["RateLimit"] == "limit=100, remaining=0, reset=3"
    assert api.call("GET", "/1/boards").headers["RateLimitPolicy"] == "100;w=60"


def test_an_answer_can_be_lost_after_its_request_was_done(api: Api) -> None:
    api.environment.refuse(Refusal(status=502, method="POST", after=True))

    assert api.call("POST", "/1/queries/backend", COUNT).status_code == 502

    assert len(api.environment.queries) == 1


def test_a_board_says_where_people_see_it_in_every_answer(api: Api) -> None:
    body = {"name": "Board", "type": "flexible"}
    made, other = api.post("/1/boards", body), api.post("/1/boards", body)
    changed = api.call("PUT", f"/1/boards/{made['id']}", {**body, "name": "New"}).json()

    assert made["links"]["board_url"].endswith(f"/board/{made['id']}")
    assert changed["links"] == made["links"] != other["links"]
    assert api.get("/1/boards") == [changed, other]
